"""Migrations of the schema, from an empty or an older database."""

import json
import os
import subprocess
import sys
from datetime import datetime
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, insert, update

from domain.job.job import JobState
from models_store.database.engine import Database
from models_store.database.migrate import _config, migrate
from models_store.database.paging import PageRequest
from models_store.database.schema import SchemaMismatch, check_schema, list_revisions
from models_store.database.tables import jobs as table
from models_store.database.tables import metadata
from models_store.ids import new_id
from models_store.jobs import expired_leases, jobs
from models_store.records.checkpoints import Checkpoint
from tests.support import queued_jobs
from tests.support.service import ROOT


def test_the_migrations_create_the_tables_of_the_code(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_revisions_are_those_of_alembic(empty_database: Database) -> None:
    with empty_database.read() as connection:
        scripts = ScriptDirectory.from_config(_config(connection))
    known = [script.revision for script in scripts.walk_revisions()]
    assert list_revisions() == known[::-1]
    assert list_revisions()[-1] == scripts.get_current_head()


@pytest.mark.slow
def test_concurrent_processes_migrate_once(empty_database: Database) -> None:
    url = empty_database.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "cli.main", "migrate"]
    environment = {**os.environ, "GRAPHFIT_DATABASE_URL": url}
    processes = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert [(process.communicate()[1], process.returncode) for process in processes] == [
        ("", 0)
    ] * 3
    with empty_database.read() as connection:
        check_schema(connection)


def test_the_queue_of_an_older_release_is_kept(empty_database: Database) -> None:
    migrate(empty_database, "0002")
    with empty_database.write() as connection:
        _fill(connection, ("anna", "queued"), ("anna", "queued"), ("anna", "succeeded"))
        _fill(connection, ("ben", "running"), ("ben", "queued"))
    migrate(empty_database)
    with empty_database.write() as connection:
        check_schema(connection)
        assert expired_leases.requeue_expired(connection, 5) == 1, (
            "the lease of the old worker has expired"
        )
        connection.execute(update(table).values(retry_at=0))  # skips the delay
        claims = [queued_jobs.claim(connection) for _ in range(5)]
    claimed = [(one.owner, one.attempt) for one in claims if one is not None]
    assert claimed == [("anna", 1), ("ben", 2), ("anna", 1), ("ben", 1)]
    assert [one.checkpoint for one in claims if one] == [
        None,
        Checkpoint(3, 0, "kept", "0"),
        None,
        None,
    ]
    with empty_database.read() as connection:
        ended = jobs.get_page(connection, "anna", PageRequest(10), JobState.SUCCEEDED).rows
        (job,) = [jobs.convert_row(connection, row) for row in ended]
        assert [step.reason for step in job.transitions] == ["accepted"]


def _fill(connection: Connection, *states: tuple[str, str]) -> None:
    """Inserts old jobs, each with an event; a running job also has a checkpoint."""
    old = MetaData()
    old.reflect(connection)
    job: dict[str, Any] = dict.fromkeys(
        ("metadata", "request", "plan", "progress", "metrics"), "{}"
    )
    job |= {"kind": "build", "rank": 0, "seed": 7, "created_at": datetime(2026, 1, 1)}
    progress: dict[str, Any] = {"epoch": 0, "epochs": 0, "step": 0, "steps": 0, "fraction": 0.0}
    progress |= {"seconds_remaining": None, "updated_at": "2026-01-01T00:00:00Z"}
    for owner, state in states:
        own = {"id": new_id("job"), "owner": owner}
        row: dict[str, Any] = {
            **job,
            **own,
            "state": state,
            "warnings": "[]",
            "progress": json.dumps(progress),
        }
        if state == "running":
            row |= {"attempt": 1, "fence": 1, "claimed_at": 1.0, "lease_until": 2.0}
        connection.execute(insert(old.tables["jobs"]).values(row))
        keys = {"job_id": own["id"], "owner": owner}
        event: dict[str, Any] = {"sequence": 1, "at": datetime(2026, 1, 1), "type": "state"}
        event["data"] = json.dumps({"state": state, "reason": "accepted"})
        connection.execute(insert(old.tables["events"]).values({**keys, **event}))
        if state == "running":
            checkpoint = {"epoch": 3, "artifact": "kept", "sha256": "0"}
            connection.execute(insert(old.tables["checkpoints"]).values({**keys, **checkpoint}))


def test_a_newer_schema_is_refused(database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match="newer"):
        migrate(database)


def test_an_old_schema_is_refused(empty_database: Database) -> None:
    with pytest.raises(SchemaMismatch, match="graphfit migrate"), empty_database.read() as found:
        check_schema(found)
