"""Runs functions that need Keras in forked children, with limits of memory, time and number.

A caller names a function by its dotted name, so that this process never imports Keras.
"""

import ctypes
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
from application.children.results import Results
from application.children.waiting import wait_for_answer
from application.settings import Settings
from domain.errors import Busy, GraphfitError, StorageFull, is_disk_full
from domain.secret_variables import remove_secrets

log = logging.getLogger(__name__)
NOTE_BYTES = 1024
MOST_EXPORTS = 4
"""The most children that export models; half of them may work for one owner."""
GRACE_SECONDS = 5
"""A child that outlives its deadline by this time ends itself."""
_ENDED = {-signal.SIGALRM: "late", -signal.SIGKILL: "killed", 255: "killed"}
"""Outcomes by exit code; 255 means that the forkserver died too, so the exit code is unknown."""


class Unfinished(GraphfitError):
    """The function took more time or memory than its limits allow."""


class Failed(Exception):
    """The function raised an error; the log of the child has the traceback."""


@dataclass(frozen=True)
class Bounds:
    """The limits of one call."""

    seconds: float
    memory_bytes: int
    """Address space beyond the size of the child at its start."""
    work: str = "CHECK"
    """The prefix of the two settings, which error messages name: `<work>_SECONDS`."""

    @classmethod
    def of_check(cls, settings: Settings) -> "Bounds":
        """Returns the limits of the check of one graph."""
        return cls(settings.check_seconds, settings.check_memory_bytes)


Note = Any
"""A ctypes array of characters in shared memory, which has no static type. Its `value` is bytes."""
Observe = Callable[[str, str, float], None]
"""Called after each call with the function's name, the outcome and the seconds."""


def _ignore(function: str, outcome: str, seconds: float) -> None:
    """Observes nothing."""


class Checker:
    """Runs functions in children of one forkserver. No child can crash or block the service."""

    def __init__(self, at_once: int, wait_seconds: float, observe: Observe = _ignore) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(MODULES)
        self._free = threading.BoundedSemaphore(at_once)
        self._wait_seconds = wait_seconds
        self._observe = observe
        self._warm = threading.Event()
        self.results = Results()

    @classmethod
    def of(cls, settings: Settings, observe: Observe) -> "Checker":
        """Returns a checker with the limits of the settings."""
        at_once = 2 * settings.checks_at_once + MOST_EXPORTS
        return cls(at_once, settings.check_wait_seconds, observe)

    def start(self) -> None:
        """Starts the forkserver, and returns while it still imports Keras."""
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # no warning about a missing GPU
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
        """Whether the forkserver has imported Keras, so that a call starts at once."""
        return self._warm.is_set()

    def make_note(self) -> Note:
        """Returns an argument of `run` that the child writes to and that outlives the child."""
        return self._context.RawArray("c", NOTE_BYTES)

    def run(self, function: str, *arguments: Any, bounds: Bounds) -> Any:
        """Runs a function in a child, and returns its result.

        Args:
            function: The dotted name, for example an `Entrypoint`.
            arguments: The arguments, which pickle must support.
            bounds: The limits of this call.

        Raises:
            Busy: the largest number of children is running, or another process killed the child.
            StorageFull: the disk had no room for the files of the function.
            Unfinished: the function took more time or memory than `bounds` allows.
            Failed: the function raised an error.
        """
        started = time.monotonic()
        kind, value = "refused", None
        try:
            with self._reserve_slot():
                kind, value = self._get_outcome(function, arguments, bounds)
        finally:
            self._observe(function, kind, time.monotonic() - started)
        if kind == "full":
            raise StorageFull
        if kind == "killed":
            raise Busy(
                "The process that did the work was killed; send the request again.", retry_after=2
            )
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

    def _get_outcome(
        self, function: str, arguments: tuple[Any, ...], bounds: Bounds
    ) -> tuple[str, Any]:
        """Returns how the child ended, and its result."""
        with self._start_child(function, arguments, bounds) as (process, receiver):
            reason = wait_for_answer(process.pid, receiver, bounds.seconds)
            if reason is not None:
                return reason, None
            try:
                kind, value = receiver.recv()
            except EOFError:
                process.join()
                log.warning("A child of the checker died (exit code %s)", process.exitcode)
                return _ENDED.get(process.exitcode or 0, "died"), None
            return kind, value

    @contextmanager
    def _reserve_slot(self) -> Iterator[None]:
        if not self._free.acquire(timeout=self._wait_seconds):
            raise Busy("Too many graphs are being checked.", retry_after=2)
        try:
            yield
        finally:
            self._free.release()

    @contextmanager
    def _start_child(
        self, function: str, arguments: tuple[Any, ...], bounds: Bounds
    ) -> Iterator[tuple[ForkServerProcess, Connection]]:
        receiver, sender = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=_run_child, args=(sender, function, arguments, bounds), daemon=True
        )
        try:
            process.start()
        except (OSError, EOFError) as error:
            raise Busy("The checker is being started again.", retry_after=2) from error
        finally:
            sender.close()
        try:
            yield process, receiver
        finally:
            receiver.close()
            process.kill()
            process.join()
            process.close()


def _run_child(
    connection: Connection, function: str, arguments: tuple[Any, ...], bounds: Bounds
) -> None:
    """Runs one function in the child, and sends the result to the parent."""
    gc.freeze()  # a collection would copy all pages of TensorFlow's objects
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # only workers use accelerators
    remove_secrets(os.environ)
    signal.setitimer(signal.ITIMER_REAL, bounds.seconds + GRACE_SECONDS)
    module, _, name = function.rpartition(".")
    try:
        call = getattr(importlib.import_module(module), name)  # the limit is not for libraries
        _limit_memory(psutil.Process().memory_info().vms + bounds.memory_bytes)
        answer = "value", call(*arguments)
    except MemoryError:
        answer = "memory", None
    except Exception as error:  # an error of any library is reported to the parent
        is_full = is_disk_full(error)
        log.exception("%s failed in a child", function)
        kind = "memory" if _lacks_memory(error) else "full" if is_full else "failed"
        answer = kind, type(error).__name__
    with suppress(BrokenPipeError):  # the service has ended
        connection.send(answer)


def _limit_memory(most_bytes: int | None) -> None:
    """Limits the address space of this process to so many bytes; None ends the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard if most_bytes is None else most_bytes, hard))


def _lacks_memory(error: Exception) -> bool:
    """Returns whether a library could not be loaded since the process may take no more memory.

    The error of the loader has no number. The library is therefore opened without the limit.
    """
    path = error.path if isinstance(error, ImportError) else None
    if path is None or _can_open(path, os.RTLD_NOLOAD):  # the error is another one
        return False
    _limit_memory(None)
    return _can_open(path)


def _can_open(library: str, mode: int = 0) -> bool:
    """Returns whether a shared library can be opened."""
    try:
        ctypes.CDLL(library, mode | os.RTLD_NOW)
    except OSError:
        return False
    return True
