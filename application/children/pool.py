"""Runs work that needs Keras in forked children: bounded in memory, time and number.

The functions are given by dotted name, so that this process never imports Keras.
"""

import gc
import importlib
import logging
import multiprocessing
import multiprocessing.forkserver
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any

import psutil

from application.children.preload import MODULES
from application.settings import Settings
from domain.errors import Busy, GraphfitError, StorageFull
from models_store.files.disk import FULL

log = logging.getLogger(__name__)
NOTE_BYTES = 1024
GRACE_SECONDS = 5
"""After its deadline a child that nobody killed ends itself."""
_ENDED = {-signal.SIGALRM: "late", -signal.SIGKILL: "killed", 255: "killed"}
"""By exit code; 255 stands for one that nobody knows, since the forkserver is gone as well."""


class Unfinished(GraphfitError):
    """The work took more time or memory than it may."""


class Failed(Exception):
    """The work raised an error of its own; the child's log has it."""


@dataclass(frozen=True)
class Bounds:
    """What one child may take."""

    seconds: float
    memory_bytes: int
    """Beyond what it starts with."""
    work: str = "CHECK"
    """What the settings of these two begin with."""

    @classmethod
    def of_check(cls, settings: Settings) -> "Bounds":
        """What the check of one graph may take."""
        return cls(settings.check_seconds, settings.check_memory_bytes)


Note = Any
"""Of ctypes, which has no types for what `multiprocessing` makes of it: its `value` is bytes."""
Observe = Callable[[str, str, float], None]
"""Hears each child's function, outcome and seconds."""


def _unobserved(function: str, outcome: str, seconds: float) -> None:
    """Nobody counts."""


class Checker:
    """Children of one forkserver; none of them can take the service down with it."""

    def __init__(self, at_once: int, wait_seconds: float, observe: Observe = _unobserved) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(MODULES)
        self._free = threading.BoundedSemaphore(at_once)
        self._wait_seconds = wait_seconds
        self._observe = observe
        self._warm = threading.Event()

    @classmethod
    def of(cls, settings: Settings, observe: Observe) -> "Checker":
        """As many children at once as the settings allow."""
        return cls(settings.checks_at_once, settings.check_wait_seconds, observe)

    def start(self) -> None:
        """Starts the forkserver, which imports Keras while we go on."""
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # each child would miss a GPU aloud
        multiprocessing.forkserver.ensure_running()
        threading.Thread(target=self._warm_up, name="checker-warm-up", daemon=True).start()

    def _warm_up(self) -> None:
        try:
            self.run("builtins.len", "", bounds=Bounds(300, 2**34))
        except GraphfitError as error:
            log.error("The checker did not start: %s", error)
        else:
            self._warm.set()

    @property
    def is_warm(self) -> bool:
        """Whether a child is forked at once, with Keras imported."""
        return self._warm.is_set()

    def note(self) -> Note:
        """An argument for `run` that the child writes on, and that outlives it."""
        return self._context.RawArray("c", NOTE_BYTES)

    def run(self, function: str, *arguments: Any, bounds: Bounds) -> Any:
        """What the function gives, run in a child.

        Args:
            function: By dotted name, e.g. an `Entrypoint`.
            arguments: Picklable.
            bounds: Of this call.

        Raises:
            Busy: as many children as may run are running, or somebody killed this one.
            StorageFull: it found no room for its files.
            Unfinished: it took more time or memory than `bounds` allows.
            Failed: it raised an error.
        """
        started = time.monotonic()
        kind, value = "refused", None
        try:
            with self._turn():
                kind, value = self._outcome(function, arguments, bounds)
        finally:
            self._observe(function, kind, time.monotonic() - started)
        if kind == "full":
            raise StorageFull
        if kind == "killed":
            raise Busy("The process that did the work was killed; ask again.", retry_after=2)
        if kind == "late":
            detail = f"It took longer than {bounds.seconds:g} seconds ({bounds.work}_SECONDS)."
            raise Unfinished(detail)
        if kind in ("memory", "died"):
            raise Unfinished(
                f"It needs more memory than the {bounds.memory_bytes:,} bytes it may take "
                f"({bounds.work}_MEMORY_BYTES)."
            )
        if kind == "failed":
            raise Failed(f"{function} raised {value}")
        return value

    def _outcome(
        self, function: str, arguments: tuple[Any, ...], bounds: Bounds
    ) -> tuple[str, Any]:
        """How a child ended, and what it gave."""
        with self._child(function, arguments, bounds) as (process, ours):
            if not ours.poll(bounds.seconds):
                return "late", None
            try:
                kind, value = ours.recv()
            except EOFError:
                process.join()
                log.warning("A child of the checker died (exit code %s)", process.exitcode)
                return _ENDED.get(process.exitcode or 0, "died"), None
            return kind, value

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._free.acquire(timeout=self._wait_seconds):
            raise Busy("Too many graphs are being checked just now.", retry_after=2)
        try:
            yield
        finally:
            self._free.release()

    @contextmanager
    def _child(
        self, function: str, arguments: tuple[Any, ...], bounds: Bounds
    ) -> Iterator[tuple[ForkServerProcess, Connection]]:
        ours, its = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=_work, args=(its, function, arguments, bounds), daemon=True
        )
        try:
            process.start()
        except (OSError, EOFError) as error:
            raise Busy("The checker is being started again.", retry_after=2) from error
        finally:
            its.close()
        try:
            yield process, ours
        finally:
            ours.close()
            process.kill()
            process.join()
            process.close()


def _work(
    connection: Connection, function: str, arguments: tuple[Any, ...], bounds: Bounds
) -> None:
    """The whole life of a child."""
    gc.freeze()  # else a collection walks all of TensorFlow, and copies the pages that it touches
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # accelerators belong to training
    signal.setitimer(signal.ITIMER_REAL, bounds.seconds + GRACE_SECONDS)
    used = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (used + bounds.memory_bytes,) * 2)
    module, _, name = function.rpartition(".")
    try:
        answer = "value", getattr(importlib.import_module(module), name)(*arguments)
    except MemoryError:
        answer = "memory", None
    except Exception as error:  # of any library; the parent must hear of it
        is_full = isinstance(error, OSError) and error.errno in FULL
        log.exception("%s failed in a child", function)
        answer = "full" if is_full else "failed", type(error).__name__
    with suppress(BrokenPipeError):  # the service is gone
        connection.send(answer)
