"""One process of the service, started again whenever it ends, as a restart policy would."""

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
class Life:
    """From one start to the end that follows it; times of the timeline."""

    began: float
    serving: float | None = None
    """When it first took a connection; of what listens nowhere, at once."""
    struck: float | None = None
    """When a fault first asked or forced it to end."""
    ended: float | None = None
    status: int | None = None


class Part:
    """Of an API, a worker or a reaper."""

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
        self.lives: list[Life] = []
        self._command = [sys.executable, "-m", "cli.main", *arguments]
        self.environment = {**os.environ, **environment}
        self._log = logs / f"{name}.log"
        self._timeline = timeline
        self._guard = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process that lives now."""
        with self._guard:
            alive = self._process is not None and self._process.poll() is None
            return self._process.pid if alive and self._process is not None else None

    def start(self) -> None:
        """Begins a new life."""
        with self._guard, self._log.open("ab") as log:
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
            self.lives.append(Life(now, serving=None if self.port else now))

    def tend(self) -> None:
        """Notices what has happened to it, and starts it again; called many times a second."""
        with self._guard:
            life, now = self.lives[-1], self._timeline.now()
            if self.pid is None and life.ended is None:
                self._bury(life, now)
            elif life.ended is not None and now - life.ended >= RESTART_SECONDS:
                self.start()
            elif life.serving is None and self._is_listening():
                life.serving = now

    def _bury(self, life: Life, now: float) -> None:
        assert self._process is not None
        life.ended, life.status = now, self._process.returncode
        if life.struck is None:
            self._timeline.say(f"{self.name} ended by itself (status {life.status})")

    def _is_listening(self) -> bool:
        with suppress(OSError), socket.create_connection((LOOPBACK, self.port or 0), 0.2):
            return True
        return False

    def strike(self, number: signal.Signals) -> bool:
        """Sends the process that lives now a signal that ends it; False if there is none."""
        with self._guard:
            if self.pid is None or self._process is None:
                return False
            self.lives[-1].struck = self.lives[-1].struck or self._timeline.now()
            self._process.send_signal(number)
            return True

    def wait(self, seconds: float) -> bool:
        """Whether it has ended by then."""
        assert self._process is not None
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        self.tend_end()
        return True

    def tend_end(self) -> None:
        """Notices its end, and lets it rest."""
        with self._guard:
            if self.pid is None and self.lives[-1].ended is None:
                self._bury(self.lives[-1], self._timeline.now())

    def served_throughout(self, since: float, until: float) -> bool:
        """Whether one life of it took connections all the time.

        Its end may be noticed a moment late.
        """
        return any(
            life.serving is not None
            and life.serving <= since
            and (life.ended or until + 2) > until + 1
            and (life.struck or until + 2) > until + 1
            for life in self.lives
        )
