"""Queued jobs say why they wait, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from domain.job.job import JobState
from domain.job.resources import Capacity
from models_store.database.engine import Database
from models_store.database.tables import jobs as table
from models_store.ids import new_id
from models_store.jobs import attempts, control, jobs, leases, wait_reasons, workers
from models_store.jobs.workers import Announcement
from models_store.records.checkpoints import Checkpoint
from tests.support import queued_jobs
from tests.support.queued_jobs import CPU, GPU, queue
from worker.reaper.wait_reasons import Explainer

TWO_GPUS = replace(GPU, gpus=2, memory_bytes=2**30)
ANYWHERE_SECONDS = 600


def put(database: Database, **resources: Any) -> str:
    with database.write() as connection:
        return queue(connection, resources=resources)


def come(database: Database, *capacities: Capacity) -> list[str]:
    """Workers that offer this appear."""
    ids = [new_id("worker") for _ in capacities]
    now = datetime.now(UTC)
    with database.write() as connection:
        for worker_id, capacity in zip(ids, capacities, strict=True):
            announced = Announcement(worker_id, "one", capacity, (), {}, "1.2.3", now)
            workers.beat(connection, announced, 600)
    return ids


def reason(database: Database, job_id: str) -> str:
    """Of the last step of its life."""
    with database.read() as connection:
        return jobs.get(connection, "local", job_id).transitions[-1].reason


def version(database: Database, job_id: str) -> int:
    with database.read() as connection:
        return connection.execute(select(table.c.version).where(table.c.id == job_id)).scalar_one()


@pytest.fixture
def explainer(database: Database) -> Explainer:
    return Explainer(database, ANYWHERE_SECONDS)


@pytest.mark.parametrize(
    ("offers", "asked", "says"),
    [
        ([], {}, "waiting: no worker is running"),
        ([CPU], {"device": "gpu"}, "waiting: no worker offers a gpu"),
        ([GPU], {"device": "cpu"}, "waiting: no worker offers a cpu"),
        ([CPU, GPU], {"device": "gpu", "gpus": 2}, "waiting: no worker offers 2 gpus"),
        (
            [CPU, GPU],
            {"memory_bytes": 2**40},
            "waiting: no worker has 1099511627776 bytes of memory",
        ),
        (
            [replace(CPU, memory_bytes=2**50), GPU],
            {"device": "gpu", "memory_bytes": 2**40},
            "waiting: no worker offers a gpu with 1099511627776 bytes of memory",
        ),
        (
            [GPU, TWO_GPUS],
            {"device": "gpu", "gpus": 2, "memory_bytes": 2**32},
            "waiting: no worker offers 2 gpus with 4294967296 bytes of memory",
        ),
        ([CPU, GPU, TWO_GPUS], {"device": "gpu", "gpus": 2, "memory_bytes": 2**30}, "accepted"),
        ([GPU], {}, "accepted"),
    ],
)
def test_a_job_says_what_no_worker_offers(
    database: Database,
    explainer: Explainer,
    offers: list[Capacity],
    asked: dict[str, Any],
    says: str,
) -> None:
    come(database, *offers)
    job_id = put(database, **asked)
    explainer.explain()
    assert reason(database, job_id) == says
    with database.write() as connection:
        claimed = [queued_jobs.claim(connection, capacity=one) for one in offers]
    assert any(claimed) is (says == "accepted"), "the claim goes by the same rule"


def test_it_follows_the_workers_that_come_and_go(database: Database, explainer: Explainer) -> None:
    come(database, CPU)
    job_id = put(database, device="gpu")
    explainer.explain()
    first = version(database, job_id)
    assert reason(database, job_id) == "waiting: no worker offers a gpu"
    explainer.explain()
    assert version(database, job_id) == first, "who polls with its ETag is told nothing anew"
    (gpu,) = come(database, GPU)
    explainer.explain()
    assert reason(database, job_id) == "accepted"
    assert version(database, job_id) == first + 1
    with database.write() as connection:
        workers.retire(connection, gpu)
    explainer.explain()
    assert reason(database, job_id) == "waiting: no worker offers a gpu"


def test_a_new_job_is_told_in_its_own_transaction(database: Database) -> None:
    with database.write() as connection:
        job_id = queue(connection)
        wait_reasons.set_reason(connection, job_id)
    assert reason(database, job_id) == "waiting: no worker is running"
    come(database, CPU)
    with database.write() as connection:
        assert queued_jobs.claim(connection) is not None
    assert reason(database, job_id) == "claimed by a worker"


def test_one_that_ends_while_it_waits_says_so_no_more(
    database: Database, explainer: Explainer
) -> None:
    job_id = put(database)
    explainer.explain()
    with database.write() as connection:
        control.cancel(connection, "local", job_id)
    assert reason(database, job_id) == "asked by the client"


def test_a_checkpoint_waits_for_the_same_bits(database: Database, explainer: Explainer) -> None:
    come(database, CPU)
    job_id = put(database)
    with database.write() as connection:
        first = queued_jobs.claim(connection)
        assert first is not None
        attempts.save_checkpoint(
            connection, first, Checkpoint(1, 0, "somewhere", "0" * 64), "there"
        )
        leases.hand_back(connection, first, "its worker was stopped")
    explainer.explain()
    same_bits = "waiting: no worker has the environment in which it goes on with the same bits"
    assert reason(database, job_id) == same_bits
    impatient = Explainer(database, 0)
    impatient.explain()
    assert reason(database, job_id) == "its worker was stopped"


def test_many_are_told_in_several_transactions(
    database: Database, explainer: Explainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wait_reasons, "BATCH", 2)
    ids = [put(database) for _ in range(5)]
    explainer.explain()
    assert {reason(database, job_id) for job_id in ids} == {"waiting: no worker is running"}
    with database.read() as connection:
        assert jobs.get(connection, "local", ids[0]).state is JobState.QUEUED
