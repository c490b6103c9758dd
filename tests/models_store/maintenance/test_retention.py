"""Jobs and models past their retention are deleted, unless a job uses them."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Table, func, select, update

from domain.job.outcome import ModelMade
from domain.model import ModelFile
from models_store.database.engine import Database
from models_store.database.tables import events, jobs, model_files, models
from models_store.files.store import ArtifactStore
from models_store.jobs import attempts
from models_store.jobs.claims import Claim
from models_store.maintenance import retention
from models_store.maintenance.retention import delete_old
from models_store.maintenance.sweep import sweep
from models_store.records.uses import insert_uses
from tests.support import queued_jobs
from tests.support.stores import publish
from worker.supervisor.progress import Estimate

WEIGHTS = ModelFile(name="model.safetensors", bytes=1, sha256="0", media_type="x/y")


def run_job(database: Database) -> Claim:
    """Runs a job that has just succeeded."""
    with database.write() as connection:
        queued_jobs.queue(connection)
        claim = queued_jobs.claim(connection)
        assert claim is not None
        progress = Estimate(1, lambda: 0.0).finish(1)
        attempts.succeed(connection, claim, progress, ModelMade((WEIGHTS,), (), {}))
    return claim


def set_age(database: Database, days: float) -> None:
    """Sets the age of all ended jobs and of all models."""
    then = datetime.now(UTC) - timedelta(days=days)
    with database.write() as connection:
        connection.execute(
            update(jobs).where(jobs.c.finished_at.is_not(None)), {"finished_at": then}
        )
        connection.execute(update(models), {"created_at": then})


def count_rows(database: Database, table: Table) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def test_retention_of_zero_days_keeps_everything(database: Database) -> None:
    run_job(database)
    set_age(database, 10_000)
    assert delete_old(database, 0, 0) == 0
    assert (count_rows(database, jobs), count_rows(database, models)) == (1, 1)


def test_old_jobs_are_deleted_and_their_models_stay(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(5):
        run_job(database)
    set_age(database, 8)
    recent = run_job(database)
    with database.write() as connection:
        waiting = queued_jobs.queue(connection)  # a job that has not ended stays
        connection.execute(update(jobs), {"created_at": datetime(2001, 1, 1, tzinfo=UTC)})
    assert delete_old(database, 9, 0) == 0
    assert delete_old(database, 7, 0) == 5
    with database.read() as connection:
        assert set(connection.scalars(select(jobs.c.id))) == {recent.job_id, waiting}
        assert set(connection.scalars(select(events.c.job_id))) == {recent.job_id, waiting}
    assert count_rows(database, models) == 6


def test_old_models_and_their_files_are_deleted_unless_a_job_uses_them(
    database: Database, store: ArtifactStore
) -> None:
    old, needed = run_job(database), run_job(database)
    for claim in (old, needed):
        publish(store, f"{claim.folder}/{WEIGHTS.name}", b"x")
    set_age(database, 8)
    with database.write() as connection:
        user = queued_jobs.queue(connection)
        query = select(models.c.id, models.c.owner).where(models.c.job_id == needed.job_id)
        model = connection.execute(query).one()
        insert_uses(connection, model.owner, user, [model.id])
    assert delete_old(database, 0, 7) == 1
    assert (count_rows(database, models), count_rows(database, model_files)) == (1, 1)
    sweep(database, store, grace_seconds=0)
    assert [file.folder for file in store.files("jobs")] == [str(needed.folder)]
    with database.write() as connection:
        connection.execute(update(jobs).where(jobs.c.id == user), {"state": "cancelled"})
    assert delete_old(database, 0, 7) == 1
    assert count_rows(database, jobs) == 3
