"""A job with a checkpoint goes on where its bits are the same, or anywhere after a while."""

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
KEPT = Checkpoint(1, 0, "jobs/x/1/c", "0" * 64)


@pytest.fixture
def held(database: Database) -> Claim:
    return queued_jobs.claimed(database)


def handed_back(database: Database, claim: Claim, environment_key: str | None) -> None:
    with database.write() as connection:
        attempts.save_checkpoint(connection, claim, KEPT, environment_key)
        leases.hand_back(connection, claim, "its worker was stopped")


def elsewhere(database: Database, anywhere_seconds: float = 600) -> Claim | None:
    with database.write() as connection:
        return queued_jobs.claim(connection, capacity=OTHER, anywhere_seconds=anywhere_seconds)


def test_only_an_equal_environment_goes_on_with_it(database: Database, held: Claim) -> None:
    handed_back(database, held, CPU.environment_key)
    assert elsewhere(database) is None
    with database.write() as connection:
        again = queued_jobs.claim(connection)
    assert again is not None
    assert (again.checkpoint, again.environment_key) == (KEPT, CPU.environment_key)


def test_any_does_once_it_has_waited_long_enough(database: Database, held: Claim) -> None:
    handed_back(database, held, CPU.environment_key)
    earlier = {"queued_at": database_clock() - 601}
    with database.write() as connection:
        connection.execute(update(tables.jobs).values(earlier))
    assert elsewhere(database, 700) is None
    assert elsewhere(database) is not None


def test_one_whose_bits_are_no_matter_goes_on_anywhere(database: Database, held: Claim) -> None:
    handed_back(database, held, None)
    assert elsewhere(database) is not None


def test_one_without_a_checkpoint_begins_anew_anywhere(database: Database, held: Claim) -> None:
    with database.write() as connection:
        attempts.start(connection, held, {"device": "cpu"})
        leases.hand_back(connection, held, "its worker was stopped")
    assert elsewhere(database) is not None
