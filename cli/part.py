"""Child processes of `graphfit serve`, which restarts a process that exits."""

import multiprocessing
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from worker.process_name import name_process

STOP_SECONDS = 20.0
"""Time between SIGTERM and SIGKILL."""
RESTART_SECONDS = 5.0
"""Shortest time between two starts of a process."""


class Process(Protocol):
    """A child process; `subprocess.Popen` is one."""

    def poll(self) -> int | None:
        """Returns the exit code; None if the process runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the exit and returns the exit code.

        Raises:
            subprocess.TimeoutExpired: The process still runs.
        """
        ...

    def terminate(self) -> None:
        """Sends SIGTERM."""
        ...

    def kill(self) -> None:
        """Sends SIGKILL."""
        ...


class Fork:
    """A fork of this process that runs one function."""

    def __init__(self, name: str, run: Callable[[], int]) -> None:
        context = multiprocessing.get_context("fork")
        self._process = context.Process(target=_run, args=(name, run), name=name)
        self._process.start()

    def poll(self) -> int | None:
        """Returns the exit code; None if the process runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the exit and returns the exit code.

        Raises:
            subprocess.TimeoutExpired: The process still runs.
        """
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return code

    def terminate(self) -> None:
        """Sends SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """Sends SIGKILL."""
        self._process.kill()


def _run(name: str, run: Callable[[], int]) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    name_process(f"graphfit-{name}")
    raise SystemExit(run())


@dataclass
class Part:
    """A child process that is restarted when it exits."""

    name: str
    start: Callable[[], Process]
    restart_seconds: float = RESTART_SECONDS
    """Shortest time between two starts."""
    process: Process | None = None
    started: float = field(default=0.0)
    failures: int = field(default=0)
    """Number of consecutive exits with a positive status."""

    def ensure_running(self) -> str | None:
        """Starts the process, unless it runs or was started less than `restart_seconds` ago.

        Returns:
            A message about a restart; None if there was none.
        """
        message = None
        if self.process is not None:
            code = self.process.poll()
            if code is None or time.monotonic() - self.started < self.restart_seconds:
                return None
            self.failures = self.failures + 1 if code > 0 else 0
            message = f"{self.name} exited (status {code}); restarting it"
        self.started = time.monotonic()
        self.process = self.start()
        return message

    def terminate(self) -> None:
        """Sends SIGTERM, if the process runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait_or_kill(self, until: float) -> None:
        """Waits for the exit until a time on the monotonic clock, then sends SIGKILL."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def stop_with_parent(pipe: int) -> None:
    """Sends SIGTERM to this process when its parent exits, and ends it after STOP_SECONDS.

    Args:
        pipe: The reading end of a pipe whose writing end only the parent has.
    """

    def watch() -> None:
        os.read(pipe, 1)  # returns when the writing end is closed
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(STOP_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
