"""Damages the state of a cluster on purpose, and restores it at the end of the context."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import psycopg

from models_store.database.tables import metadata
from tests.chaos.cluster.cluster import Cluster
from tests.chaos.cluster.processes import MARK

TABLES = tuple(table.name for table in metadata.sorted_tables if table.name != "workers")
"""The tables that change on request alone; each comes after those that it refers to."""
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
def rewrite_rows(cluster: Cluster, statement: str) -> Iterator[None]:
    """Executes a statement in the database; restores all rows at the end."""
    with psycopg.connect(cluster.database_url, autocommit=True) as connection:
        for table in TABLES:
            connection.execute(f"CREATE TABLE copy_of_{table} AS TABLE {table}".encode())
        try:
            connection.execute(statement.encode())
            yield
        finally:
            for table in reversed(TABLES):
                connection.execute(f"DELETE FROM {table}".encode())
            for table in TABLES:
                connection.execute(f"INSERT INTO {table} TABLE copy_of_{table}".encode())
                connection.execute(f"DROP TABLE copy_of_{table}".encode())


@contextmanager
def overwrite_file(cluster: Cluster, key: str, content: bytes | None) -> Iterator[None]:
    """Replaces the content of a file, or removes the file if `content` is None."""
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
            with suppress(OSError):  # stops at the first folder that is not empty
                os.removedirs(path.parent)


@contextmanager
def start_orphan(cluster: Cluster) -> Iterator[None]:
    """Starts a process of the service whose parents have all ended."""
    command = [sys.executable, "-c", ORPHAN]
    environment = {**os.environ, MARK: cluster.mark}
    pid = subprocess.check_output(command, stderr=subprocess.DEVNULL, env=environment)
    process = psutil.Process(int(pid))
    try:
        yield
    finally:
        process.kill()
