"""A cluster on one machine: PostgreSQL, Redis, a small disk, APIs, workers and reapers."""

import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from models_store.ids import new_id
from tests.chaos.cluster import processes
from tests.chaos.cluster.disk import small_disk
from tests.chaos.cluster.part import LOOPBACK, Part
from tests.chaos.cluster.timeline import Timeline
from tests.support.servers.postgresql import PostgreSql
from tests.support.servers.redis_server import RedisServer, free_port
from tests.support.service import ROOT, until

LEASE_SECONDS = 4.0
SWEEP_SECONDS = 2.0
GRACE_SECONDS = 12.0
"""Age at which a folder that no row names is deleted; longer than any lease."""
READY_SECONDS = 400
STOP_SECONDS = 40
CHECK_SECONDS = 0.1
POLL_SECONDS = 0.1

SETTINGS = {
    "LEASE_SECONDS": LEASE_SECONDS,
    "SWEEP_SECONDS": SWEEP_SECONDS,
    "SWEEP_GRACE_SECONDS": GRACE_SECONDS,
    "TICK_SECONDS": 0.3,
    "REAP_SECONDS": 0.5,
    # A run kills more often than real machines fail. No job may fail for that reason, so that
    # every failed job shows a defect.
    "MAX_ATTEMPTS": 1_000_000,
    "MAX_DEATHS": 1_000_000,
    "CHECKPOINT_SECONDS": 1.0,
}


@dataclass(frozen=True)
class Size:
    """The number of parts of each kind."""

    apis: int = 2
    workers: int = 3
    reapers: int = 2


class Cluster:
    """A running service whose parts are started again whenever they end, until `stop`."""

    def __init__(self, folder: Path, timeline: Timeline, size: Size | None = None) -> None:
        self.mark = new_id("chaos")
        self.timeline = timeline
        self.logs = folder / "logs"
        self.logs.mkdir()
        self._closing = ExitStack()
        self._stopping = threading.Event()
        self._parts: list[Part] = []
        try:
            self._open(folder, size or Size())
        except BaseException:
            self._closing.close()
            raise

    def _open(self, folder: Path, size: Size) -> None:
        self.disk = small_disk(folder / "data", self.mark)
        self._closing.callback(self.disk.close)
        self.artifacts = self.disk.folder / "artifacts"
        self.database = PostgreSql()
        self._closing.callback(self.database.close)
        self.database_url = self.database.new_database()
        self.broker = RedisServer(self.logs)
        self._closing.callback(self.broker.close)
        self.broker_url = self.broker.new_broker()
        self.environment = {
            "TF_CPP_MIN_LOG_LEVEL": "3",
            processes.MARK: self.mark,
            "GRAPHFIT_DATA": str(self.disk.folder),
            "GRAPHFIT_DATABASE_URL": self.database_url,
            "GRAPHFIT_BROKER_URL": self.broker_url,
            **{f"GRAPHFIT_{name}": str(value) for name, value in SETTINGS.items()},
        }
        self.apis = [self._api(number) for number in range(size.apis)]
        self.workers = [self._part(f"worker-{n}", "worker") for n in range(size.workers)]
        self.reapers = [self._part(f"reaper-{n}", "reaper") for n in range(size.reapers)]

    def _api(self, number: int) -> Part:
        port = free_port()
        return self._part(f"api-{number}", "api", "--port", str(port), port=port)

    def _part(self, name: str, *arguments: str, port: int | None = None) -> Part:
        part = Part(name, arguments, self.environment, self.logs, self.timeline, port)
        self._parts.append(part)
        return part

    @property
    def parts(self) -> list[Part]:
        """All APIs, workers and reapers."""
        return list(self._parts)

    def start(self) -> None:
        """Migrates the database, starts every part, and returns when the APIs are ready."""
        command = [sys.executable, "-m", "cli.main", "migrate"]
        subprocess.run(command, check=True, cwd=ROOT, env=self._parts[0].environment)
        for part in self._parts:
            part.start()
        threading.Thread(target=self._check_parts, name="check-parts", daemon=True).start()
        self.await_ready()

    def _check_parts(self) -> None:
        while not self._stopping.wait(CHECK_SECONDS):
            for part in self._parts:
                part.check()

    def await_ready(self) -> None:
        """Waits until every API is ready."""
        for api in self.apis:
            until(partial(_ready, api), f"{api.name} to be ready", READY_SECONDS, POLL_SECONDS)

    def repair(self) -> None:
        """Ends the effects of all faults, and waits until every API is ready."""
        processes.send(processes.find_marked(self.mark), signal.SIGCONT)
        self.disk.free()
        self.database.start()
        self.await_ready()

    def stop(self) -> list[str]:
        """Stops every part by SIGTERM and returns the names of those that do not end."""
        self._stopping.set()
        for part in self._parts:
            part.kill(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        return [p.name for p in self._parts if not p.wait(max(0.1, deadline - time.monotonic()))]

    def close(self) -> None:
        """Kills all processes, and stops the stores."""
        self._stopping.set()
        processes.send(processes.find_marked(self.mark), signal.SIGKILL)
        self._closing.close()


def _ready(api: Part) -> bool | None:
    """True if the API is ready, else None."""
    try:
        answer = httpx.get(f"http://{LOOPBACK}:{api.port}/readyz", timeout=10)
    except httpx.TransportError:
        return None
    return answer.status_code == 200 or None
