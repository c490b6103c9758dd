"""The time limits of a job hold over all of its attempts."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models_store.database.engine import Database
from models_store.files.local import LocalArtifacts
from models_store.jobs import jobs
from models_store.jobs.claims import Claim
from models_store.settings import Settings as StoreSettings
from tests.support import queued_jobs
from worker.settings import Settings
from worker.supervisor.options import Options
from worker.supervisor.runner import Runner
from worker.supervisor.time_limit import find_deadline_error

HOUR = 3_600.0


def claim_after(database: Database, seconds: float, **fields: Any) -> Claim:
    """Returns the claim of a job whose earlier attempts ran for so many seconds."""
    with database.write() as connection:
        queued_jobs.queue(connection, "local", **fields)
        claim = queued_jobs.claim(connection)
    assert claim is not None
    return replace(claim, seconds_used=seconds)


@pytest.mark.parametrize(
    ("own", "most", "ends"),
    [
        (None, 0, None),
        (None, 2 * HOUR, None),
        (None, HOUR / 2, ("/graph", "1800 seconds, all attempts together (MAX_JOB_SECONDS)")),
        (HOUR / 3, 0, ("/limits/seconds", "`limits.seconds`, 1200 seconds")),
        (HOUR / 3, HOUR / 2, ("/limits/seconds", "1200")),
        (2 * HOUR, HOUR / 2, ("/graph", "MAX_JOB_SECONDS")),
    ],
)
def test_the_first_limit_that_is_passed_ends_the_job(
    database: Database, own: float | None, most: float, ends: tuple[str, str] | None
) -> None:
    limits = {} if own is None else {"limits": {"seconds": own}}
    error = find_deadline_error(claim_after(database, HOUR, **limits), most)
    if ends is None:
        assert error is None
        return
    assert error is not None
    assert (error.type, error.category, error.pointer) == ("deadline-exceeded", "user", ends[0])
    assert ends[1] in error.detail


def test_a_claimed_job_without_time_left_fails_and_starts_no_process(
    database: Database, tmp_path: Path
) -> None:
    options = Options.of(StoreSettings(max_job_seconds=HOUR), Settings())
    store = LocalArtifacts(tmp_path)
    runner = Runner(database, store, options, "here", threading.Event())
    claim = claim_after(database, HOUR + 1)
    assert runner.run(claim, claim.began)
    with database.read() as connection:
        job = jobs.get(connection, "local", claim.job_id)
    assert (job.state, job.attempt) == ("failed", 1)
    assert job.error is not None
    assert "(MAX_JOB_SECONDS)" in job.error.detail
    with database.write() as connection:
        assert queued_jobs.claim(connection) is None
