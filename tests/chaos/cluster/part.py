"""One part of the service, a process that is started again whenever it ends."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.cluster.timeline import Timeline
from tests.support.service import ROOT

RESTART_SECONDS = 0.3
LOOPBACK = "127.0.0.1"


@dataclass
class Run:
    """One process of a part, from its start to its end; times are those of the timeline."""

    began: float
    serving: float | None = None
    """When it first accepted a connection; the start of a process that listens on no port."""
    signalled: float | None = None
    """When it was first sent a signal that ends it."""
    ended: float | None = None
    status: int | None = None


class Part:
    """An API, a worker or a reaper."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        logs: Path,
        timeline: Timeline,
        port: int | None = None,
    ) -> None:
        self.name = name
        self.port = port
        self.runs: list[Run] = []
        self._command = [sys.executable, "-m", "cli.main", *arguments]
        self.environment = {**os.environ, **environment}
        self._log = logs / f"{name}.log"
        self._timeline = timeline
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The id of the present process; None if it has ended."""
        with self._lock:
            alive = self._process is not None and self._process.poll() is None
            return self._process.pid if alive and self._process is not None else None

    def start(self) -> None:
        """Starts a new process."""
        with self._lock, self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=ROOT,
                env=self.environment,
                start_new_session=True,
            )
            now = self._timeline.now()
            self.runs.append(Run(now, serving=None if self.port else now))

    def check(self) -> None:
        """Records an end or a first connection, and restarts an ended process. Call it often."""
        with self._lock:
            run, now = self.runs[-1], self._timeline.now()
            if self.pid is None and run.ended is None:
                self._record_end(run, now)
            elif run.ended is not None and now - run.ended >= RESTART_SECONDS:
                self.start()
            elif run.serving is None and self._is_listening():
                run.serving = now

    def _record_end(self, run: Run, now: float) -> None:
        assert self._process is not None
        run.ended, run.status = now, self._process.returncode
        if run.signalled is None:
            self._timeline.add(f"{self.name} ended by itself (status {run.status})")

    def _is_listening(self) -> bool:
        with suppress(OSError), socket.create_connection((LOOPBACK, self.port or 0), 0.2):
            return True
        return False

    def kill(self, number: signal.Signals) -> bool:
        """Sends the process a signal that ends it; False if no process runs."""
        with self._lock:
            if self.pid is None or self._process is None:
                return False
            self.runs[-1].signalled = self.runs[-1].signalled or self._timeline.now()
            self._process.send_signal(number)
            return True

    def wait(self, seconds: float) -> bool:
        """Waits for the end of the process for at most `seconds`; True if it has ended."""
        assert self._process is not None
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        self.check_end()
        return True

    def check_end(self) -> None:
        """Records the end of the process without a restart."""
        with self._lock:
            if self.pid is None and self.runs[-1].ended is None:
                self._record_end(self.runs[-1], self._timeline.now())

    def served_throughout(self, since: float, until: float) -> bool:
        """Whether one process accepted connections during the whole time.

        The end of a process may be recorded up to a second late.
        """
        return any(
            run.serving is not None
            and run.serving <= since
            and (run.ended or until + 2) > until + 1
            and (run.signalled or until + 2) > until + 1
            for run in self.runs
        )
