"""A job with a checkpoint resumes in an equal environment; after a wait, in any."""

from dataclasses import replace

import pytest
from sqlalchemy import update

from models_store.database import tables
from models_store.database.engine import Database
from models_store.database.types import database_clock
from models_store.jobs import attempts, leases
from models_store.jobs.claims import Claim
from models_store.records.checkpoints import Checkpoint
from tests.support import queued_jobs
from tests.support.queued_jobs import CPU

OTHER = replace(CPU, environment_key="other")
CHECKPOINT = Checkpoint(1, 0, "jobs/x/1/c", "0" * 64)


@pytest.fixture
def claim(database: Database) -> Claim:
    return queued_jobs.claimed(database)


def hand_back(database: Database, claim: Claim, environment_key: str | None) -> None:
    with database.write() as connection:
        attempts.save_checkpoint(connection, claim, CHECKPOINT, environment_key)
        leases.hand_back(connection, claim, "its worker was stopped")


def claim_elsewhere(database: Database, anywhere_seconds: float = 600) -> Claim | None:
    with database.write() as connection:
        return queued_jobs.claim(connection, capacity=OTHER, anywhere_seconds=anywhere_seconds)


def test_a_job_resumes_only_in_an_equal_environment(database: Database, claim: Claim) -> None:
    hand_back(database, claim, CPU.environment_key)
    assert claim_elsewhere(database) is None
    with database.write() as connection:
        second = queued_jobs.claim(connection)
    assert second is not None
    assert (second.checkpoint, second.environment_key) == (CHECKPOINT, CPU.environment_key)


def test_a_job_resumes_in_any_environment_after_the_wait(database: Database, claim: Claim) -> None:
    hand_back(database, claim, CPU.environment_key)
    earlier = {"queued_at": database_clock() - 601}
    with database.write() as connection:
        connection.execute(update(tables.jobs).values(earlier))
    assert claim_elsewhere(database, 700) is None
    assert claim_elsewhere(database) is not None


def test_a_job_without_an_environment_key_resumes_anywhere(
    database: Database, claim: Claim
) -> None:
    hand_back(database, claim, None)
    assert claim_elsewhere(database) is not None


def test_a_job_without_a_checkpoint_starts_again_anywhere(database: Database, claim: Claim) -> None:
    with database.write() as connection:
        attempts.start(connection, claim, {"device": "cpu"})
        leases.hand_back(connection, claim, "its worker was stopped")
    assert claim_elsewhere(database) is not None
