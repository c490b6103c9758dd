"""Cancel, pause and resume, on both databases, also when they meet each other."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import pairwise

import pytest
from sqlalchemy import Connection

from domain.errors import Conflict, LeaseLost, NotFound
from domain.job.job import TRANSITIONS, Job, JobError, JobState
from models_store.database.engine import Database
from models_store.jobs import attempts, control, expiry, jobs, leases
from models_store.jobs.claims import Claim
from models_store.records import checkpoints, uses
from models_store.records.checkpoints import Checkpoint
from tests.support import queued_jobs
from tests.support.queued_jobs import queue

ERROR = JobError(type="x", title="X", detail="x", category="user")
STEERS = (control.cancel, control.pause, control.resume)
Steer = Callable[[Connection, str, str], None]


def queued(database: Database) -> str:
    with database.write() as connection:
        return queue(connection)


def claimed(database: Database, lease_seconds: float = 60) -> Claim:
    with database.write() as connection:
        claim = queued_jobs.claim(connection, lease_seconds=lease_seconds)
    assert claim is not None
    return claim


def steered(database: Database, steer: Steer, job_id: str) -> str:
    """The state after it."""
    with database.write() as connection:
        steer(connection, "local", job_id)
    return shown(database, job_id).state


def shown(database: Database, job_id: str) -> Job:
    with database.read() as connection:
        return jobs.get(connection, "local", job_id)


def test_cancelling_a_queued_job_ends_it_at_once(database: Database) -> None:
    job_id = queued(database)
    assert steered(database, control.cancel, job_id) == "cancelled"
    assert steered(database, control.cancel, job_id) == "cancelled"  # what was asked for


def test_cancelling_a_running_job_goes_through_its_worker(database: Database) -> None:
    job_id = queued(database)
    held = claimed(database)
    assert steered(database, control.cancel, job_id) == "cancelling"
    with database.write() as connection:
        assert leases.renew(connection, held, 60) is JobState.CANCELLING
        attempts.cancel(connection, held)
    assert shown(database, job_id).state == "cancelled"


@pytest.mark.parametrize(
    ("steer", "end"), [(control.cancel, "cancelled"), (control.pause, "paused")]
)
def test_what_was_asked_of_a_job_happens_though_its_worker_is_lost(
    database: Database, steer: Steer, end: str
) -> None:
    job_id = queued(database)
    claimed(database, lease_seconds=-1)
    steered(database, steer, job_id)
    with database.write() as connection:
        assert expiry.expire(connection, most_losses=1) == 0
    assert shown(database, job_id).state == end


def test_a_queued_job_rests_at_once_and_goes_on_behind_those_that_waited(
    database: Database,
) -> None:
    job_id, other = queued(database), queued(database)
    assert steered(database, control.pause, job_id) == "paused"
    assert steered(database, control.pause, job_id) == "paused"
    assert not shown(database, job_id).is_terminal
    assert steered(database, control.resume, job_id) == "queued"
    assert steered(database, control.resume, job_id) == "queued"
    assert [claimed(database).job_id for _ in range(2)] == [other, job_id]


def test_a_paused_job_is_nobodys_to_claim_and_holds_what_it_uses(database: Database) -> None:
    used = "graph_" + "0" * 26
    job_id = queued(database)
    with database.write() as connection:
        uses.insert_uses(connection, "local", job_id, [used])
    steered(database, control.pause, job_id)
    with database.write() as connection:
        assert queued_jobs.claim(connection) is None
        with pytest.raises(Conflict, match="paused"):
            uses.refuse_if_used(connection, "local", used)
    with pytest.raises(Conflict), database.write() as connection:
        jobs.delete(connection, "local", job_id)


def test_a_running_job_is_paused_by_its_worker_and_goes_on_from_its_checkpoint(
    database: Database,
) -> None:
    job_id = queued(database)
    held = claimed(database)
    assert steered(database, control.pause, job_id) == "pausing"
    assert steered(database, control.pause, job_id) == "pausing"
    with pytest.raises(Conflict) as refused, database.write() as connection:
        control.resume(connection, "local", job_id)
    assert refused.value.retry_after
    checkpoint = Checkpoint(2, 3, "jobs/x/1/checkpoint-2-3.safetensors", "0" * 64)
    with database.write() as connection:
        assert leases.renew(connection, held, 60) is JobState.PAUSING
        attempts.save_checkpoint(connection, held, checkpoint, None)
        leases.hand_back(connection, held, "of no matter")
    assert shown(database, job_id).state == "paused"
    with pytest.raises(LeaseLost), database.write() as connection:
        leases.renew(connection, held, 60)
    steered(database, control.resume, job_id)
    assert claimed(database).checkpoint == checkpoint
    steps = [step.state for step in shown(database, job_id).transitions]
    assert steps == ["queued", "running", "pausing", "paused", "queued", "running"]


def test_a_job_that_is_about_to_rest_may_still_end(database: Database) -> None:
    job_id = queued(database)
    held = claimed(database)
    steered(database, control.pause, job_id)
    with database.write() as connection:
        attempts.fail(connection, held, ERROR)
    assert shown(database, job_id).state == "failed"


def test_a_paused_job_is_cancelled_at_once_and_forgets_its_checkpoint(database: Database) -> None:
    job_id = queued(database)
    held = claimed(database)
    with database.write() as connection:
        attempts.save_checkpoint(connection, held, Checkpoint(1, 0, "jobs/x/1/c", "0" * 64), None)
    steered(database, control.pause, job_id)
    assert steered(database, control.cancel, job_id) == "cancelling"
    with pytest.raises(Conflict, match="being cancelled"):
        steered(database, control.pause, job_id)
    with pytest.raises(Conflict, match="being cancelled"):
        steered(database, control.resume, job_id)
    with database.write() as connection:
        leases.hand_back(connection, held, "of no matter")
    assert shown(database, job_id).state == "cancelled"
    with database.read() as connection:
        assert checkpoints.of(connection, job_id) is None


def test_the_checkpoint_of_a_job_that_was_cancelled_in_the_queue_goes(database: Database) -> None:
    ended, waiting = queued(database), queued(database)
    with database.write() as connection:
        for job_id in (ended, waiting):
            checkpoints.replace(connection, "local", job_id, Checkpoint(1, 0, "jobs/x/1/c", "0"))
    steered(database, control.cancel, ended)
    with database.read() as connection:
        assert checkpoints.of(connection, ended) is None
        assert checkpoints.of(connection, waiting) is not None


@pytest.mark.parametrize("steer", STEERS)
def test_what_has_ended_is_not_steered_nor_what_is_somebody_elses(
    database: Database, steer: Steer
) -> None:
    job_id = queued(database)
    with pytest.raises(NotFound), database.write() as connection:
        steer(connection, "somebody", job_id)
    held = claimed(database)
    with pytest.raises(Conflict), database.write() as connection:
        jobs.delete(connection, "local", job_id)
    with database.write() as connection:
        attempts.fail(connection, held, ERROR)
    with pytest.raises(Conflict, match="failed"):
        steered(database, steer, job_id)
    with database.write() as connection:
        jobs.delete(connection, "local", job_id)


def test_whoever_comes_first_a_job_takes_only_allowed_steps(database: Database) -> None:
    """Owners, workers and the reaper meet over a few jobs."""
    job_ids = [queued(database) for _ in range(4)]
    owners = [partial(_steer_some, database, job_ids, seed) for seed in range(2)]
    workers = [partial(_work_some, database, seed) for seed in range(2)]
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(act) for act in owners + workers]:
            done.result()
    for job_id in job_ids:
        states = [step.state for step in shown(database, job_id).transitions]
        assert len(states) > 2
        assert all(after in TRANSITIONS[before] for before, after in pairwise(states)), states


def _steer_some(database: Database, job_ids: list[str], seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(40):
        with database.write() as connection, suppress(Conflict):
            draw.choice(STEERS[1:])(connection, "local", draw.choice(job_ids))


def _work_some(database: Database, seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(40):
        with database.write() as connection:
            held = queued_jobs.claim(connection, lease_seconds=draw.choice([-1, 60]))
        if held is not None:
            _let_go_of(database, held)


def _let_go_of(database: Database, held: Claim) -> None:
    with suppress(LeaseLost), database.write() as connection:
        expiry.expire(connection, most_losses=10_000)
        leases.hand_back(connection, held, "its worker was stopped")
