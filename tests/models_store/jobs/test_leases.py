"""Claims, leases and fences on both databases."""

import threading

import pytest
from sqlalchemy import update

from domain.errors import LeaseLost
from domain.job.job import JobError, JobState, Resources
from models_store.database import tables
from models_store.database.engine import Database
from models_store.jobs import attempts, expiry, jobs, leases
from models_store.jobs.claims import Claim
from tests.support import queued_jobs
from tests.support.queued_jobs import queue

GRAPH = "graph_" + "0" * 26


def claim(database: Database, lease_seconds: float = 60) -> Claim:
    with database.write() as connection:
        claimed = queued_jobs.claim(connection, lease_seconds=lease_seconds)
    assert claimed is not None
    return claimed


def state(database: Database, job_id: str) -> str:
    with database.read() as connection:
        return jobs.get(connection, "local", job_id).state


def test_the_highest_priority_then_the_oldest_is_claimed_first(database: Database) -> None:
    with database.write() as connection:
        old, new = queue(connection), queue(connection)
        urgent = queue(connection, priority=5)
    order = [claim(database).job_id for _ in range(3)]
    assert order == [urgent, old, new] or order == [urgent, *sorted([old, new])]
    with database.write() as connection:
        assert queued_jobs.claim(connection) is None


def test_a_claim_raises_fence_and_attempt_and_is_announced(database: Database) -> None:
    with database.write() as connection:
        job_id = queue(connection)
    first = claim(database)
    assert (first.fence, first.attempt, first.seed) == (1, 1, 7)
    with database.write() as connection:
        leases.hand_back(connection, first, "its worker was stopped")
    second = claim(database)
    assert (second.fence, second.attempt) == (2, 2)
    with database.read() as connection:
        steps = [step.state for step in jobs.get(connection, "local", job_id).transitions]
    assert steps == ["queued", "running", "queued", "running"]


def test_a_claim_says_what_its_job_asked_for(database: Database) -> None:
    with database.write() as connection:
        queue(connection, resources={"device": "cpu"}, mixed_precision=True)
        queue(connection)
    asked, plain = claim(database), claim(database)
    assert (asked.resources.device, asked.mixed_precision) == ("cpu", True)
    assert (plain.resources, plain.mixed_precision) == (Resources(), False)


def test_an_expired_lease_is_taken_back_and_its_holder_writes_nothing_more(
    database: Database,
) -> None:
    with database.write() as connection:
        job_id = queue(connection)
    lost = claim(database, lease_seconds=-1)
    with database.write() as connection:
        assert expiry.is_any_expired(connection)
        assert expiry.expire(connection, most_losses=5) == 1
    assert state(database, job_id) == "queued"
    with pytest.raises(LeaseLost), database.write() as connection:
        leases.renew(connection, lost, 60)
    with database.write() as connection:
        connection.execute(update(tables.jobs).values(retry_at=0))
    held = claim(database)
    with pytest.raises(LeaseLost), database.write() as connection:
        attempts.cancel(connection, lost)
    with database.write() as connection:
        assert leases.renew(connection, held, 60) is JobState.RUNNING


@pytest.mark.parametrize(("graph", "place"), [({}, "/graph/nodes/0"), ({"graph": GRAPH}, "/graph")])
def test_an_error_lies_where_the_request_says_the_graph(
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
    held = claim(database)
    with database.write() as connection:
        attempts.fail(connection, held, JobError.model_validate(error))
    with database.read() as connection:
        shown = jobs.get(connection, "local", job_id)
    assert shown.error is not None
    assert shown.error.pointer == place


def test_many_claimants_never_share_a_job(database: Database) -> None:
    with database.write() as connection:
        queued = {queue(connection) for _ in range(40)}
    claimed: list[str] = []

    def work() -> None:
        while True:
            with database.write() as connection:
                mine = queued_jobs.claim(connection, threading.current_thread().name)
            if mine is None:
                return
            claimed.append(mine.job_id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(queued)
