"""Claims, leases and fences on both databases."""

import threading
from dataclasses import replace

import pytest
from sqlalchemy import update

from domain.errors import LeaseLost
from domain.job.job import JobError, JobState, Resources
from models_store.database import tables
from models_store.database.engine import Database
from models_store.jobs import attempts, expired_leases, jobs, leases
from models_store.jobs.claims import Claim
from tests.support import queued_jobs
from tests.support.queued_jobs import queue

GRAPH = "graph_" + "0" * 26


def claim_job(database: Database, lease_seconds: float = 60) -> Claim:
    with database.write() as connection:
        claimed = queued_jobs.claim(connection, lease_seconds=lease_seconds)
    assert claimed is not None
    return claimed


def get_state(database: Database, job_id: str) -> str:
    with database.read() as connection:
        return jobs.get(connection, "local", job_id).state


def test_the_highest_priority_then_the_oldest_is_claimed_first(database: Database) -> None:
    with database.write() as connection:
        old, new = queue(connection), queue(connection)
        urgent = queue(connection, priority=5)
    order = [claim_job(database).job_id for _ in range(3)]
    assert order == [urgent, old, new] or order == [urgent, *sorted([old, new])]
    with database.write() as connection:
        assert queued_jobs.claim(connection) is None


def test_a_claim_raises_fence_and_attempt_and_adds_an_event(database: Database) -> None:
    with database.write() as connection:
        job_id = queue(connection)
    first = claim_job(database)
    assert (first.fence, first.attempt, first.seed) == (1, 1, 7)
    with database.write() as connection:
        leases.hand_back(connection, first, "its worker was stopped")
    second = claim_job(database)
    assert (second.fence, second.attempt) == (2, 2)
    with database.read() as connection:
        states = [change.state for change in jobs.get(connection, "local", job_id).transitions]
    assert states == ["queued", "running", "queued", "running"]


def test_a_claim_has_the_resources_and_precision_of_the_request(database: Database) -> None:
    with database.write() as connection:
        queue(connection, resources={"device": "cpu"}, mixed_precision=True)
        queue(connection)
    special, plain = claim_job(database), claim_job(database)
    assert (special.resources.device, special.mixed_precision) == ("cpu", True)
    assert (plain.resources, plain.mixed_precision) == (Resources(), False)


def test_a_worker_with_an_expired_lease_cannot_write(
    database: Database,
) -> None:
    with database.write() as connection:
        job_id = queue(connection)
    lost = claim_job(database, lease_seconds=-1)
    with database.write() as connection:
        assert expired_leases.is_any_expired(connection)
        assert expired_leases.requeue_expired(connection, max_attempts=5) == 1
    assert get_state(database, job_id) == "queued"
    with pytest.raises(LeaseLost), database.write() as connection:
        leases.renew(connection, lost, 60)
    with database.write() as connection:
        connection.execute(update(tables.jobs).values(retry_at=0))
    claim = claim_job(database)
    with pytest.raises(LeaseLost), database.write() as connection:
        attempts.cancel(connection, lost)
    with database.write() as connection:
        assert leases.renew(connection, claim, 60).state is JobState.RUNNING


@pytest.mark.parametrize(("graph", "place"), [({}, "/graph/nodes/0"), ({"graph": GRAPH}, "/graph")])
def test_the_pointer_of_an_error_exists_in_the_request(
    database: Database, graph: dict[str, str], place: str
) -> None:
    with database.write() as connection:
        job_id = queue(connection, **graph)
    error = {
        "type": "x",
        "title": "X",
        "detail": "x",
        "category": "user",
        "pointer": "/graph/nodes/0",
    }
    claim = claim_job(database)
    with database.write() as connection:
        attempts.fail(connection, claim, JobError.model_validate(error))
    with database.read() as connection:
        job = jobs.get(connection, "local", job_id)
    assert job.error is not None
    assert job.error.pointer == place


def run_for(claim: Claim, seconds: float) -> Claim:
    """Returns the claim as if it had run for so many seconds more."""
    return replace(claim, began=claim.began - seconds)


def test_the_running_time_of_all_attempts_adds_up(database: Database) -> None:
    with database.write() as connection:
        queue(connection)
    for attempt in range(3):
        claim = claim_job(database)
        assert claim.seconds_used == pytest.approx(100 * attempt, abs=20)
        with database.write() as connection:
            leases.hand_back(connection, run_for(claim, 100), "its worker was stopped")


def test_the_running_time_of_a_lost_worker_counts_up_to_its_last_renewal(
    database: Database,
) -> None:
    with database.write() as connection:
        queue(connection)
    lost = claim_job(database)
    with database.write() as connection:
        leases.renew(connection, run_for(lost, 1_000), -1)
        expired_leases.requeue_expired(connection, max_attempts=5)
        connection.execute(update(tables.jobs).values(retry_at=0))
    assert claim_job(database).seconds_used == pytest.approx(1_000, abs=20)


def test_a_jump_of_the_wall_clock_does_not_alter_the_running_time(database: Database) -> None:
    with database.write() as connection:
        queue(connection)
    claim = claim_job(database)
    with database.write() as connection:  # as if the clock had been set forward since the claim
        connection.execute(update(tables.jobs).values(claimed_at=0))
        leases.hand_back(connection, run_for(claim, 5), "its worker was stopped")
    assert claim_job(database).seconds_used == pytest.approx(5, abs=4)


def test_concurrent_workers_never_claim_the_same_job(database: Database) -> None:
    with database.write() as connection:
        queued = {queue(connection) for _ in range(40)}
    claimed: list[str] = []

    def work() -> None:
        while True:
            with database.write() as connection:
                taken = queued_jobs.claim(connection, threading.current_thread().name)
            if taken is None:
                return
            claimed.append(taken.job_id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(queued)
