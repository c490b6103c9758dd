"""Breaks a promise on purpose, and mends it again."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import psycopg

from tests.chaos.cluster.cluster import Cluster
from tests.chaos.cluster.processes import MARK

TABLES = ("datasets", "jobs", "epochs", "events", "checkpoints", "models", "model_files")
ORPHAN = """
import os, sys, time
if os.fork():
    os._exit(0)
os.setsid()
print(os.getpid(), flush=True)
os.close(1)
time.sleep(600)
"""


@contextmanager
def rewritten(cluster: Cluster, statement: str) -> Iterator[None]:
    """The database after a statement, and afterwards as it was."""
    with psycopg.connect(cluster.database_url, autocommit=True) as connection:
        for table in TABLES:
            connection.execute(f"CREATE TABLE kept_{table} AS TABLE {table}".encode())
        try:
            connection.execute(statement.encode())
            yield
        finally:
            for table in reversed(TABLES):
                connection.execute(f"DELETE FROM {table}".encode())
            for table in TABLES:
                connection.execute(f"INSERT INTO {table} TABLE kept_{table}".encode())
                connection.execute(f"DROP TABLE kept_{table}".encode())


@contextmanager
def overwritten(cluster: Cluster, key: str, content: bytes | None) -> Iterator[None]:
    """A file with another content, or without any."""
    path = cluster.artifacts / key
    before = path.read_bytes() if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        if before is not None:
            path.write_bytes(before)
        else:
            with suppress(OSError):  # up to the first that others need
                os.removedirs(path.parent)


@contextmanager
def orphan(cluster: Cluster) -> Iterator[None]:
    """A process of the service whose parents are all gone."""
    command = [sys.executable, "-c", ORPHAN]
    environment = {**os.environ, MARK: cluster.mark}
    told = subprocess.check_output(command, stderr=subprocess.DEVNULL, env=environment)
    process = psutil.Process(int(told))
    try:
        yield
    finally:
        process.kill()
