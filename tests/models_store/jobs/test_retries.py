"""Retries of lost attempts: their number, their delays and the final failure."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from domain.errors import LeaseLost
from domain.job.job import Job, JobError, Progress
from models_store.database import tables
from models_store.database.engine import Database
from models_store.database.types import database_clock
from models_store.jobs import attempts, expired_leases, jobs, leases, retries
from models_store.jobs.claims import Claim
from models_store.jobs.retries import RetryLimits
from models_store.records.checkpoints import Checkpoint
from tests.support import queued_jobs

ERROR = JobError(type="process-died", title="Died", detail="x", category="infrastructure")
LIMITS = RetryLimits(attempts=3, deaths=2)
HIGH_LIMITS = RetryLimits(attempts=100, deaths=100)


@pytest.fixture
def job_id(database: Database) -> str:
    with database.write() as connection:
        return queued_jobs.queue(connection)


def claim_job(database: Database, lease_seconds: float = 60) -> Claim:
    """Claims the job without waiting for its delay."""
    with database.write() as connection:
        connection.execute(update(tables.jobs).values(retry_at=0))
        claim = queued_jobs.claim(connection, lease_seconds=lease_seconds)
    assert claim is not None
    return claim


def requeue_expired(database: Database, max_attempts: int = LIMITS.attempts) -> int:
    with database.write() as connection:
        return expired_leases.requeue_expired(connection, max_attempts)


def retry_or_fail(
    database: Database, claim: Claim, limits: RetryLimits = LIMITS, *, died: bool = False
) -> None:
    with database.write() as connection:
        retries.retry_or_fail(connection, claim, "its process ended", ERROR, limits, died=died)


def save_checkpoint(database: Database, claim: Claim) -> None:
    saved = Checkpoint(1, 0, f"jobs/x/{claim.fence}/c", "0" * 64)
    with database.write() as connection:
        attempts.save_checkpoint(connection, claim, saved, None)


def get_job(database: Database, job_id: str) -> Job:
    with database.read() as connection:
        return jobs.get(connection, "local", job_id)


def get_delay(database: Database) -> float:
    """Returns the seconds until the job may be claimed again."""
    query = tables.jobs.select().with_only_columns(tables.jobs.c.retry_at - database_clock())
    with database.read() as connection:
        return float(connection.execute(query).scalar_one())


def test_each_retry_doubles_the_delay_up_to_a_minute(database: Database, job_id: str) -> None:
    delays = []
    for _ in range(8):
        retry_or_fail(database, claim_job(database), HIGH_LIMITS)
        delays.append(get_delay(database))
    assert delays == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60], abs=0.9)
    with database.write() as connection:
        assert queued_jobs.claim(connection) is None
    assert get_job(database, job_id).state == "queued"


def test_a_lost_worker_counts_as_a_lost_attempt(database: Database, job_id: str) -> None:
    for _ in range(2):
        claim_job(database, lease_seconds=-1)
        assert requeue_expired(database) == 1
        assert get_job(database, job_id).transitions[-1].reason == "its worker was lost"
    assert get_delay(database) == pytest.approx(2, abs=0.9)
    claim_job(database, lease_seconds=-1)
    assert requeue_expired(database) == 0
    job = get_job(database, job_id)
    assert job.state == "failed"
    assert job.error is not None
    assert (job.error.type, job.error.category) == ("worker-lost", "infrastructure")
    with database.read() as connection:
        assert not expired_leases.is_any_expired(connection)


def test_a_checkpoint_resets_every_counter(database: Database, job_id: str) -> None:
    for _ in range(3):
        claim = claim_job(database)
        save_checkpoint(database, claim)
        retry_or_fail(database, claim, died=True)
        claim_job(database, lease_seconds=-1)
        assert requeue_expired(database) == 1
    assert get_job(database, job_id).state == "queued"


def test_a_job_fails_after_two_crashes_with_another_lost_attempt_between(
    database: Database, job_id: str
) -> None:
    retry_or_fail(database, claim_job(database), RetryLimits(attempts=10, deaths=2), died=True)
    retry_or_fail(database, claim_job(database), RetryLimits(attempts=10, deaths=2))
    assert get_job(database, job_id).state == "queued"
    retry_or_fail(database, claim_job(database), RetryLimits(attempts=10, deaths=2), died=True)
    job = get_job(database, job_id)
    assert (job.state, job.error) == ("failed", ERROR)


def test_a_stopped_worker_causes_no_delay_and_no_failure(database: Database, job_id: str) -> None:
    for _ in range(2 * LIMITS.attempts):
        with database.write() as connection:
            claim = queued_jobs.claim(connection)  # without a delay
        assert claim is not None
        with database.write() as connection:
            leases.hand_back(connection, claim, "its worker was stopped")
    assert get_job(database, job_id).transitions[-1].reason == "its worker was stopped"


def test_an_unavailable_store_delays_a_job_but_does_not_fail_it(
    database: Database, job_id: str
) -> None:
    for _ in range(2 * LIMITS.attempts):
        claim = claim_job(database)
        with database.write() as connection:
            retries.retry_later(connection, claim, "no room")
    assert claim.attempt == 2 * LIMITS.attempts
    assert get_delay(database) == pytest.approx(32, abs=0.9)
    retry_or_fail(database, claim_job(database))
    assert get_job(database, job_id).state == "queued"


def test_an_attempt_is_lost_only_once(database: Database, job_id: str) -> None:
    claim = claim_job(database)
    retry_or_fail(database, claim)
    with pytest.raises(LeaseLost):
        retry_or_fail(database, claim)
    assert get_delay(database) == pytest.approx(1, abs=0.9)
    assert get_job(database, job_id).attempt == 1


def test_a_job_whose_checkpoint_is_lost_has_no_progress(database: Database, job_id: str) -> None:
    claim = claim_job(database)
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
    save_checkpoint(database, claim)
    with database.write() as connection:
        attempts.restart(connection, claim)
    job = get_job(database, job_id)
    assert (job.state, job.metrics) == ("queued", {})
    assert (job.progress.epoch, job.progress.step, job.progress.fraction) == (0, 0, 0.0)
    assert (job.progress.epochs, job.progress.steps) == (5, 10)
    assert job.progress.seconds_remaining is None
    assert job.progress.updated_at > progress.updated_at
    assert claim_job(database).checkpoint is None
