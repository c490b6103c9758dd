"""How often a job is tried again that was lost, how long it waits, and when it fails."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from domain.errors import LeaseLost
from domain.job.job import Job, JobError, Progress
from models_store.database import tables
from models_store.database.engine import Database
from models_store.database.types import database_clock
from models_store.jobs import attempts, expiry, jobs, leases, retries
from models_store.jobs.claims import Claim
from models_store.jobs.retries import Most
from models_store.records.checkpoints import Checkpoint
from tests.support import queued_jobs

ERROR = JobError(type="process-died", title="Died", detail="x", category="infrastructure")
MOST = Most(losses=3, deaths=2)
MANY = Most(losses=100, deaths=100)


@pytest.fixture
def job_id(database: Database) -> str:
    with database.write() as connection:
        return queued_jobs.queue(connection)


def claimed(database: Database, lease_seconds: float = 60) -> Claim:
    """The job, however long it would have to wait."""
    with database.write() as connection:
        connection.execute(update(tables.jobs).values(retry_at=0))
        claim = queued_jobs.claim(connection, lease_seconds=lease_seconds)
    assert claim is not None
    return claim


def expired(database: Database, most_losses: int = MOST.losses) -> int:
    with database.write() as connection:
        return expiry.expire(connection, most_losses)


def lose(database: Database, claim: Claim, most: Most = MOST, *, died: bool = False) -> None:
    with database.write() as connection:
        retries.lose(connection, claim, "its process ended", ERROR, most, died=died)


def checkpoint(database: Database, claim: Claim) -> None:
    kept = Checkpoint(1, 0, f"jobs/x/{claim.fence}/c", "0" * 64)
    with database.write() as connection:
        attempts.save_checkpoint(connection, claim, kept, None)


def shown(database: Database, job_id: str) -> Job:
    with database.read() as connection:
        return jobs.get(connection, "local", job_id)


def wait_of(database: Database) -> float:
    """Seconds until the job may be claimed again."""
    query = tables.jobs.select().with_only_columns(tables.jobs.c.retry_at - database_clock())
    with database.read() as connection:
        return float(connection.execute(query).scalar_one())


def test_each_loss_in_a_row_waits_twice_as_long_up_to_a_minute(
    database: Database, job_id: str
) -> None:
    waits = []
    for _ in range(8):
        lose(database, claimed(database), MANY)
        waits.append(wait_of(database))
    assert waits == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60], abs=0.9)
    with database.write() as connection:
        assert queued_jobs.claim(connection) is None
    assert shown(database, job_id).state == "queued"


def test_a_lost_worker_counts_like_any_other_loss(database: Database, job_id: str) -> None:
    for _ in range(2):
        claimed(database, lease_seconds=-1)
        assert expired(database) == 1
        assert shown(database, job_id).transitions[-1].reason == "its worker was lost"
    assert wait_of(database) == pytest.approx(2, abs=0.9)
    claimed(database, lease_seconds=-1)
    assert expired(database) == 0
    job = shown(database, job_id)
    assert job.state == "failed"
    assert job.error is not None
    assert (job.error.type, job.error.category) == ("worker-lost", "infrastructure")
    with database.read() as connection:
        assert not expiry.is_any_expired(connection)


def test_a_checkpoint_lets_every_count_begin_anew(database: Database, job_id: str) -> None:
    for _ in range(3):
        held = claimed(database)
        checkpoint(database, held)
        lose(database, held, died=True)
        claimed(database, lease_seconds=-1)
        assert expired(database) == 1
    assert shown(database, job_id).state == "queued"


def test_two_deaths_in_a_row_fail_a_job_and_other_losses_between_do_not(
    database: Database, job_id: str
) -> None:
    lose(database, claimed(database), Most(losses=10, deaths=2), died=True)
    lose(database, claimed(database), Most(losses=10, deaths=2))
    assert shown(database, job_id).state == "queued"
    lose(database, claimed(database), Most(losses=10, deaths=2), died=True)
    job = shown(database, job_id)
    assert (job.state, job.error) == ("failed", ERROR)


def test_a_worker_that_stops_costs_its_job_nothing(database: Database, job_id: str) -> None:
    for _ in range(2 * MOST.losses):
        with database.write() as connection:
            claim = queued_jobs.claim(connection)  # at once
        assert claim is not None
        with database.write() as connection:
            leases.hand_back(connection, claim, "its worker was stopped")
    assert shown(database, job_id).transitions[-1].reason == "its worker was stopped"


def test_a_store_that_is_away_costs_a_job_only_time(database: Database, job_id: str) -> None:
    for _ in range(2 * MOST.losses):
        held = claimed(database)
        with database.write() as connection:
            retries.set_back(connection, held, "no room")
    assert held.attempt == 2 * MOST.losses
    assert wait_of(database) == pytest.approx(32, abs=0.9)
    lose(database, claimed(database))
    assert shown(database, job_id).state == "queued"


def test_what_was_lost_already_is_not_lost_again(database: Database, job_id: str) -> None:
    held = claimed(database)
    lose(database, held)
    with pytest.raises(LeaseLost):
        lose(database, held)
    assert wait_of(database) == pytest.approx(1, abs=0.9)
    assert shown(database, job_id).attempt == 1


def test_a_job_whose_checkpoint_is_lost_shows_no_progress(database: Database, job_id: str) -> None:
    claim = claimed(database)
    progress = Progress(
        epoch=2,
        epochs=5,
        step=3,
        steps=10,
        fraction=0.46,
        seconds_remaining=1.0,
        updated_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    with database.write() as connection:
        attempts.update_progress(connection, claim, progress, {"loss": 0.5})
    checkpoint(database, claim)
    with database.write() as connection:
        attempts.restart(connection, claim)
    job = shown(database, job_id)
    assert (job.state, job.metrics) == ("queued", {})
    assert (job.progress.epoch, job.progress.step, job.progress.fraction) == (0, 0, 0.0)
    assert (job.progress.epochs, job.progress.steps) == (5, 10)
    assert job.progress.seconds_remaining is None
    assert job.progress.updated_at > progress.updated_at
    assert claimed(database).checkpoint is None
