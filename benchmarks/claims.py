"""The rate of claims on PostgreSQL, and the cost of a claim as the queue grows.

Six processes claim as workers do, each claim in its own transaction, until 10,000 jobs of 20 owners
are claimed; each job must be claimed once. Then one process claims from queues of 1,000 and of
100,000 jobs in turn. The goals are at least 1,000 claims a second, and at most 1.5 times the cost.
"""

import json
import multiprocessing
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from typing import NamedTuple

from sqlalchemy import text

from benchmarks.table import show
from models_store.database.engine import Database
from models_store.database.migrate import migrate
from models_store.jobs import claims
from tests.support.queued_jobs import CPU, queue
from tests.support.servers.postgresql import PostgreSql

PROCESSES = 6
JOBS = 10_000
OWNERS = 20
SHORT, LONG = 1_000, 100_000
SAMPLE = 300
GOALS = {"claims_a_second": 1_000, "long_queue": 1.5}
COPIES = """
INSERT INTO jobs ({columns}) SELECT {values} FROM jobs, generate_series(1, :count) AS number
"""
"""Copies the job in the table; to accept each job through the API would take minutes."""


class Claimed(NamedTuple):
    """The jobs that one process claimed, and when it began and ended."""

    began: float
    ended: float
    jobs: list[str]


@contextmanager
def migrated_database() -> Iterator[Database]:
    """Start a PostgreSQL server with the tables in it."""
    running = PostgreSql()
    database = Database(running.url)
    try:
        migrate(database)
        yield database
    finally:
        database.close()
        running.close()


def queue_jobs(database: Database, count: int) -> None:
    """Replace all jobs by `count` queued ones, whose owners alternate."""
    changed = {
        "id": "'job_' || lpad(number::text, 26, '0')",
        "owner": f"'owner-' || number % {OWNERS}",
        "cpu_turn": f"number / {OWNERS} + 1",
        "gpu_turn": f"number / {OWNERS} + 1",
    }
    with database.write() as connection:
        connection.execute(text("TRUNCATE jobs CASCADE"))
        job_id = queue(connection)
        names = connection.execute(text("SELECT * FROM jobs LIMIT 0")).keys()
        values = ", ".join(changed.get(name, name) for name in names)
        statement = COPIES.format(columns=", ".join(names), values=values)
        connection.execute(text(statement), {"count": count})
        connection.execute(text("DELETE FROM jobs WHERE id = :id"), {"id": job_id})
        connection.execute(
            text(
                "INSERT INTO events (job_id, sequence, owner, at, type, data) SELECT id, 1, owner, "
                """created_at, 'state', '{"state": "queued", "reason": "accepted"}' FROM jobs"""
            )
        )
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE jobs"))  # as autovacuum does within a minute
        connection.execute(text("CHECKPOINT"))  # no dirty pages are written during the measurement


def claim_one(database: Database, worker: str) -> str | None:
    """Claim a job in its own transaction, and return its id; None if no job is queued."""
    with database.write() as connection:
        got = claims.claim(connection, worker, CPU, lease_seconds=30, anywhere_seconds=600)
    return None if got is None else got.job_id


def claim_all(url: str, worker: str, gate: Barrier, results: "Queue[Claimed]") -> None:
    """Claim until no job is queued; the entry of a child process."""
    database = Database(url)
    with database.read():
        pass
    gate.wait()
    began, got = time.time(), []
    while (job_id := claim_one(database, worker)) is not None:
        got.append(job_id)
    results.put(Claimed(began, time.time(), got))
    database.close()


def measure_rate(database: Database) -> float:
    """Return the claims a second of all processes together.

    Raises:
        AssertionError: A job was claimed twice, or never.
    """
    queue_jobs(database, JOBS)
    spawned = multiprocessing.get_context("spawn")
    gate, results = spawned.Barrier(PROCESSES), spawned.Queue()
    url = database.engine.url.render_as_string(hide_password=False)
    processes = [
        spawned.Process(target=claim_all, args=(url, f"worker_{number}", gate, results))
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    parts = [results.get() for _ in processes]
    for process in processes:
        process.join()
    times = Counter(job_id for part in parts for job_id in part.jobs)
    assert len(times) == JOBS, f"{JOBS - len(times)} jobs were never claimed"
    assert max(times.values()) == 1, "a job was claimed twice"
    return JOBS / (max(part.ended for part in parts) - min(part.began for part in parts))


def measure_claim(database: Database, queued: int) -> float:
    """Return the median seconds of a claim by a single process."""
    queue_jobs(database, queued)
    seconds = []
    for _ in range(SAMPLE):
        began = time.perf_counter()
        assert claim_one(database, "worker_0") is not None
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def main(rounds: int = 3) -> None:
    """Print the table and one line of JSON."""
    with migrated_database() as database:
        rate = statistics.median(measure_rate(database) for _ in range(rounds))
        pairs = [[measure_claim(database, n) for n in (SHORT, LONG)] for _ in range(rounds)]
    short, long = (statistics.median(side) for side in zip(*pairs, strict=True))
    show(
        "claims on PostgreSQL",
        [
            (f"{PROCESSES} processes, claims a second", rate),
            (f"{SHORT:,} queued: a claim, ms", 1000 * short),
            (f"{LONG:,} queued: a claim, ms", 1000 * long),
        ],
    )
    result = {"claims_a_second": round(rate), "long_queue": round(long / short, 2)}
    print(json.dumps({"claims": result | {"goals": GOALS}}))


if __name__ == "__main__":
    main()
