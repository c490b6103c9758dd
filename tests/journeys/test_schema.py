"""No part runs on a database with another schema version."""

import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from models_store.database.engine import Database
from tests.support.service import ROOT

pytestmark = pytest.mark.slow

PARTS = ("api --port 0", "worker", "reaper")
MIGRATING = ("serve --port 0", "migrate")


def refusals(database: Database, parts: Sequence[str]) -> list[tuple[int, str]]:
    """Starts each part on the database and returns its exit status and output."""
    url = database.engine.url.render_as_string(hide_password=False)
    environment = {**os.environ, "GRAPHFIT_DATABASE_URL": url}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "cli.main", *part.split()],
            cwd=ROOT,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for part in parts
    ]
    texts = [process.communicate(timeout=120)[1] for process in started]
    return [(process.returncode, text) for process, text in zip(started, texts, strict=True)]


def test_an_older_part_refuses_a_newer_schema_with_a_line(database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    line = (
        "graphfit: The database's schema is '9999', which this version of Graphfit does not know: "
        "a newer one has migrated it. Upgrade this process.\n"
    )
    assert refusals(database, PARTS + MIGRATING) == [(1, line)] * 5


def test_a_part_alone_does_not_migrate(empty_database: Database) -> None:
    line = (
        "graphfit: The database has no schema yet; "
        "`graphfit migrate` or `graphfit serve` creates it.\n"
    )
    assert refusals(empty_database, PARTS) == [(1, line)] * 3
