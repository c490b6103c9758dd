"""Child processes of `graphfit serve`, which starts them again when they die."""

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
CALM_SECONDS = 5.0


class Process(Protocol):
    """A child process; `subprocess.Popen` is one."""

    def poll(self) -> int | None:
        """Returns its exit code, or None while it runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        ...

    def terminate(self) -> None:
        """Sends SIGTERM."""
        ...

    def kill(self) -> None:
        """Sends SIGKILL."""
        ...


class Fork:
    """A fork of this process, which runs one function."""

    def __init__(self, name: str, run: Callable[[], int]) -> None:
        context = multiprocessing.get_context("fork")
        self._process = context.Process(target=_run, args=(name, run), name=name)
        self._process.start()

    def poll(self) -> int | None:
        """Returns its exit code, or None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end.

        Raises:
            subprocess.TimeoutExpired: it still runs.
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
    """One child process, started again whenever it dies."""

    name: str
    start: Callable[[], Process]
    calm_seconds: float = CALM_SECONDS
    """How long after a start it is left dead, when it dies at once."""
    process: Process | None = None
    started: float = field(default=0.0)
    false_starts: int = field(default=0)
    """How often in a row it has ended by itself soon after it was started."""

    def ensure_running(self) -> str | None:
        """Starts it, unless it runs or has died too soon after its last start.

        Returns:
            What to say about it.
        """
        said = None
        if self.process is not None:
            code = self.process.poll()
            if code is None or time.monotonic() - self.started < self.calm_seconds:
                return None
            self.false_starts = self.false_starts + 1 if code > 0 else 0
            said = f"{self.name} ended (status {code}); starting it again"
        self.started = time.monotonic()
        self.process = self.start()
        return said

    def terminate(self) -> None:
        """Asks it to stop."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def reap(self, until: float) -> None:
        """Waits for its end, and kills it when it takes too long."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def end_with_parent(guard: int) -> None:
    """Stops this process softly, then hard, when the process that started it is gone.

    Args:
        guard: The reading end of a pipe that only that process can write to.
    """

    def watch() -> None:
        os.read(guard, 1)  # returns only at the end of the stream
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(STOP_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="guard", daemon=True).start()
