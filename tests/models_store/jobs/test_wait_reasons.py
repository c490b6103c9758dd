"""Queued jobs have the reason of their wait, on both databases."""

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


def queue_job(database: Database, **resources: Any) -> str:
    with database.write() as connection:
        return queue(connection, resources=resources)


def register(database: Database, *capacities: Capacity) -> list[str]:
    """Registers a worker for each capacity. Returns their ids."""
    ids = [new_id("worker") for _ in capacities]
    now = datetime.now(UTC)
    with database.write() as connection:
        for worker_id, capacity in zip(ids, capacities, strict=True):
            announcement = Announcement(worker_id, "one", capacity, (), {}, "1.2.3", now)
            workers.record_heartbeat(connection, announcement, 600)
    return ids


def get_reason(database: Database, job_id: str) -> str:
    """Returns the reason of the last transition."""
    with database.read() as connection:
        return jobs.get(connection, "local", job_id).transitions[-1].reason


def get_version(database: Database, job_id: str) -> int:
    with database.read() as connection:
        return connection.execute(select(table.c.version).where(table.c.id == job_id)).scalar_one()


@pytest.fixture
def explainer(database: Database) -> Explainer:
    return Explainer(database, ANYWHERE_SECONDS)


@pytest.mark.parametrize(
    ("offers", "resources", "expected"),
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
def test_the_reason_names_what_no_worker_offers(
    database: Database,
    explainer: Explainer,
    offers: list[Capacity],
    resources: dict[str, Any],
    expected: str,
) -> None:
    register(database, *offers)
    job_id = queue_job(database, **resources)
    explainer.explain()
    assert get_reason(database, job_id) == expected
    with database.write() as connection:
        claimed = [queued_jobs.claim(connection, capacity=one) for one in offers]
    assert any(claimed) is (expected == "accepted"), "claims and reasons have the same conditions"


def test_the_reason_follows_the_registered_workers(
    database: Database, explainer: Explainer
) -> None:
    register(database, CPU)
    job_id = queue_job(database, device="gpu")
    explainer.explain()
    first = get_version(database, job_id)
    assert get_reason(database, job_id) == "waiting: no worker offers a gpu"
    explainer.explain()
    assert get_version(database, job_id) == first, "the ETag stays"
    (gpu,) = register(database, GPU)
    explainer.explain()
    assert get_reason(database, job_id) == "accepted"
    assert get_version(database, job_id) == first + 1
    with database.write() as connection:
        workers.unregister(connection, gpu)
    explainer.explain()
    assert get_reason(database, job_id) == "waiting: no worker offers a gpu"


def test_a_new_job_has_its_reason_in_its_own_transaction(database: Database) -> None:
    with database.write() as connection:
        job_id = queue(connection)
        wait_reasons.set_reason(connection, job_id)
    assert get_reason(database, job_id) == "waiting: no worker is running"
    register(database, CPU)
    with database.write() as connection:
        assert queued_jobs.claim(connection) is not None
    assert get_reason(database, job_id) == "claimed by a worker"


def test_a_cancelled_job_has_no_wait_reason(database: Database, explainer: Explainer) -> None:
    job_id = queue_job(database)
    explainer.explain()
    with database.write() as connection:
        control.cancel(connection, "local", job_id)
    assert get_reason(database, job_id) == "asked by the client"


def test_a_job_with_a_checkpoint_waits_for_an_equal_environment(
    database: Database, explainer: Explainer
) -> None:
    register(database, CPU)
    job_id = queue_job(database)
    with database.write() as connection:
        first = queued_jobs.claim(connection)
        assert first is not None
        attempts.save_checkpoint(
            connection, first, Checkpoint(1, 0, "somewhere", "0" * 64), "there"
        )
        leases.hand_back(connection, first, "its worker was stopped")
    explainer.explain()
    waits = "waiting: no worker has the environment in which the job resumes with the same bits"
    assert get_reason(database, job_id) == waits
    impatient = Explainer(database, 0)
    impatient.explain()
    assert get_reason(database, job_id) == "its worker was stopped"


def test_many_jobs_are_updated_in_several_transactions(
    database: Database, explainer: Explainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wait_reasons, "BATCH", 2)
    ids = [queue_job(database) for _ in range(5)]
    explainer.explain()
    assert {get_reason(database, job_id) for job_id in ids} == {"waiting: no worker is running"}
    with database.read() as connection:
        assert jobs.get(connection, "local", ids[0]).state is JobState.QUEUED
