"""Cancel, pause and resume, also concurrently, on both databases."""

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
from models_store.jobs import attempts, control, expired_leases, jobs, leases
from models_store.jobs.claims import Claim
from models_store.records import checkpoints, uses
from models_store.records.checkpoints import Checkpoint
from tests.support import queued_jobs
from tests.support.queued_jobs import queue

ERROR = JobError(type="x", title="X", detail="x", category="user")
CHANGES = (control.cancel, control.pause, control.resume)
Change = Callable[[Connection, str, str], None]


def queue_job(database: Database) -> str:
    with database.write() as connection:
        return queue(connection)


def claim_job(database: Database, lease_seconds: float = 60) -> Claim:
    with database.write() as connection:
        claim = queued_jobs.claim(connection, lease_seconds=lease_seconds)
    assert claim is not None
    return claim


def change_state(database: Database, change: Change, job_id: str) -> str:
    """Changes the state of a job. Returns the new state."""
    with database.write() as connection:
        change(connection, "local", job_id)
    return get_job(database, job_id).state


def get_job(database: Database, job_id: str) -> Job:
    with database.read() as connection:
        return jobs.get(connection, "local", job_id)


def test_cancelling_a_queued_job_ends_it_at_once(database: Database) -> None:
    job_id = queue_job(database)
    assert change_state(database, control.cancel, job_id) == "cancelled"
    assert change_state(database, control.cancel, job_id) == "cancelled"  # repeated


def test_a_running_job_is_cancelled_by_its_worker(database: Database) -> None:
    job_id = queue_job(database)
    claim = claim_job(database)
    assert change_state(database, control.cancel, job_id) == "cancelling"
    with database.write() as connection:
        assert leases.renew(connection, claim, 60).state is JobState.CANCELLING
        attempts.cancel(connection, claim)
    assert get_job(database, job_id).state == "cancelled"


@pytest.mark.parametrize(
    ("change", "end"), [(control.cancel, "cancelled"), (control.pause, "paused")]
)
def test_a_request_to_a_running_job_is_completed_although_its_worker_is_lost(
    database: Database, change: Change, end: str
) -> None:
    job_id = queue_job(database)
    claim_job(database, lease_seconds=-1)
    change_state(database, change, job_id)
    with database.write() as connection:
        assert expired_leases.requeue_expired(connection, max_attempts=1) == 0
    assert get_job(database, job_id).state == end


def test_a_queued_job_is_paused_at_once_and_resumes_behind_the_queued_jobs(
    database: Database,
) -> None:
    job_id, other = queue_job(database), queue_job(database)
    assert change_state(database, control.pause, job_id) == "paused"
    assert change_state(database, control.pause, job_id) == "paused"
    assert not get_job(database, job_id).is_terminal
    assert change_state(database, control.resume, job_id) == "queued"
    assert change_state(database, control.resume, job_id) == "queued"
    assert [claim_job(database).job_id for _ in range(2)] == [other, job_id]


def test_a_paused_job_cannot_be_claimed_and_keeps_the_resources_it_uses(database: Database) -> None:
    used = "graph_" + "0" * 26
    job_id = queue_job(database)
    with database.write() as connection:
        uses.insert_uses(connection, "local", job_id, [used])
    change_state(database, control.pause, job_id)
    with database.write() as connection:
        assert queued_jobs.claim(connection) is None
        with pytest.raises(Conflict, match="paused"):
            uses.refuse_if_used(connection, "local", used)
    with pytest.raises(Conflict), database.write() as connection:
        jobs.delete(connection, "local", job_id)


def test_a_running_job_is_paused_by_its_worker_and_resumes_from_its_checkpoint(
    database: Database,
) -> None:
    job_id = queue_job(database)
    claim = claim_job(database)
    assert change_state(database, control.pause, job_id) == "pausing"
    assert change_state(database, control.pause, job_id) == "pausing"
    with pytest.raises(Conflict) as error, database.write() as connection:
        control.resume(connection, "local", job_id)
    assert error.value.retry_after
    checkpoint = Checkpoint(2, 3, "jobs/x/1/checkpoint-2-3.safetensors", "0" * 64)
    with database.write() as connection:
        assert leases.renew(connection, claim, 60).state is JobState.PAUSING
        attempts.save_checkpoint(connection, claim, checkpoint, None)
        leases.hand_back(connection, claim, "any reason")
    assert get_job(database, job_id).state == "paused"
    with pytest.raises(LeaseLost), database.write() as connection:
        leases.renew(connection, claim, 60)
    change_state(database, control.resume, job_id)
    assert claim_job(database).checkpoint == checkpoint
    states = [step.state for step in get_job(database, job_id).transitions]
    assert states == ["queued", "running", "pausing", "paused", "queued", "running"]


def test_a_pausing_job_may_end(database: Database) -> None:
    job_id = queue_job(database)
    claim = claim_job(database)
    change_state(database, control.pause, job_id)
    with database.write() as connection:
        attempts.fail(connection, claim, ERROR)
    assert get_job(database, job_id).state == "failed"


def test_cancelling_a_pausing_job_deletes_its_checkpoint(database: Database) -> None:
    job_id = queue_job(database)
    claim = claim_job(database)
    with database.write() as connection:
        attempts.save_checkpoint(connection, claim, Checkpoint(1, 0, "jobs/x/1/c", "0" * 64), None)
    change_state(database, control.pause, job_id)
    assert change_state(database, control.cancel, job_id) == "cancelling"
    with pytest.raises(Conflict, match="being cancelled"):
        change_state(database, control.pause, job_id)
    with pytest.raises(Conflict, match="being cancelled"):
        change_state(database, control.resume, job_id)
    with database.write() as connection:
        leases.hand_back(connection, claim, "any reason")
    assert get_job(database, job_id).state == "cancelled"
    with database.read() as connection:
        assert checkpoints.get(connection, job_id) is None


def test_cancelling_a_queued_job_deletes_its_checkpoint(database: Database) -> None:
    ended, other = queue_job(database), queue_job(database)
    with database.write() as connection:
        for job_id in (ended, other):
            checkpoints.replace(connection, "local", job_id, Checkpoint(1, 0, "jobs/x/1/c", "0"))
    change_state(database, control.cancel, ended)
    with database.read() as connection:
        assert checkpoints.get(connection, ended) is None
        assert checkpoints.get(connection, other) is not None


def queue_training(database: Database) -> str:
    dataset = "dataset_" + "0" * 26
    with database.write() as connection:
        return queue(connection, kind="train", dataset=dataset)


def test_a_running_training_is_finished_by_its_worker_and_a_repeat_changes_nothing(
    database: Database,
) -> None:
    job_id = queue_training(database)
    with pytest.raises(Conflict, match="once it runs"):
        change_state(database, control.finish, job_id)
    claim = claim_job(database)
    with database.write() as connection:
        assert not leases.renew(connection, claim, 60).is_finish_asked
    for _ in range(2):
        assert change_state(database, control.finish, job_id) == "running"
        with database.write() as connection:
            assert leases.renew(connection, claim, 60).is_finish_asked
    with database.write() as connection:
        leases.hand_back(connection, claim, "its worker was stopped")
    again = claim_job(database)
    with database.write() as connection:
        assert leases.renew(connection, again, 60).is_finish_asked


def test_a_paused_training_or_another_job_is_not_finished(database: Database) -> None:
    paused = queue_training(database)
    change_state(database, control.pause, paused)
    with pytest.raises(Conflict, match="resume it first"):
        change_state(database, control.finish, paused)
    build = queue_job(database)
    claim_job(database)
    with pytest.raises(Conflict, match="`build` trains nothing"):
        change_state(database, control.finish, build)


@pytest.mark.parametrize("change", CHANGES)
def test_the_state_of_an_ended_or_foreign_job_does_not_change(
    database: Database, change: Change
) -> None:
    job_id = queue_job(database)
    with pytest.raises(NotFound), database.write() as connection:
        change(connection, "somebody", job_id)
    claim = claim_job(database)
    with pytest.raises(Conflict), database.write() as connection:
        jobs.delete(connection, "local", job_id)
    with database.write() as connection:
        attempts.fail(connection, claim, ERROR)
    with pytest.raises(Conflict, match="failed"):
        change_state(database, change, job_id)
    with database.write() as connection:
        jobs.delete(connection, "local", job_id)


def test_concurrent_requests_lead_only_to_allowed_transitions(database: Database) -> None:
    """Owners, workers and the reaper change the same jobs concurrently."""
    job_ids = [queue_job(database) for _ in range(4)]
    owners = [partial(_change_some, database, job_ids, seed) for seed in range(2)]
    workers = [partial(_work_some, database, seed) for seed in range(2)]
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(act) for act in owners + workers]:
            done.result()
    for job_id in job_ids:
        states = [step.state for step in get_job(database, job_id).transitions]
        assert len(states) > 2
        assert all(after in TRANSITIONS[before] for before, after in pairwise(states)), states


def _change_some(database: Database, job_ids: list[str], seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(40):
        with database.write() as connection, suppress(Conflict):
            rng.choice(CHANGES[1:])(connection, "local", rng.choice(job_ids))


def _work_some(database: Database, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(40):
        with database.write() as connection:
            claim = queued_jobs.claim(connection, lease_seconds=rng.choice([-1, 60]))
        if claim is not None:
            _return_job(database, claim)


def _return_job(database: Database, claim: Claim) -> None:
    with suppress(LeaseLost), database.write() as connection:
        expired_leases.requeue_expired(connection, max_attempts=10_000)
        leases.hand_back(connection, claim, "its worker was stopped")
