"""A process that stays warm between predictions, with limits of time and memory for each call."""

import gc
import importlib
import logging
import multiprocessing
import os
import resource
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any

import psutil

from application.children.pool import Unfinished
from application.children.preload import MODULES
from application.children.waiting import Outcome, wait_for_answer
from application.prediction.computation import Uncomputable
from domain.errors import Busy, Fault, Invalid, NotJson
from domain.secret_variables import remove_secrets

log = logging.getLogger(__name__)
MOST_CALLS = 10_000
"""A process that has run so many calls is replaced."""
KEPT_BYTES = 512 * 2**20
"""A process that holds so much more memory than at its start is replaced."""
NICENESS = 5
"""Added to the niceness of a process that predicts, so that the API answers first."""
START_SECONDS = 60
GRACE_SECONDS = 5
"""A process whose call outlives its deadline by this time ends itself."""
_ENDED = {-signal.SIGKILL: "killed", 255: "killed", -signal.SIGALRM: "late"}


@dataclass(frozen=True)
class Call:
    """One call of a function of the process."""

    function: str
    """The dotted name."""
    arguments: tuple[Any, ...]
    """Arguments that pickle supports."""


@dataclass(frozen=True)
class Result:
    """The value that a function returned, and how long it took."""

    value: Any
    seconds: float


class WarmProcess:
    """A process of the forkserver; it starts with its first call, and again after it has died."""

    def __init__(self, seconds: float, memory_bytes: int, niceness: int = NICENESS) -> None:
        """Starts no process yet.

        Args:
            seconds: The time limit of one call.
            memory_bytes: Address space that the process may take beyond what it starts with.
            niceness: Added to the niceness of the process.
        """
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(MODULES)
        self._seconds = seconds
        self._memory_bytes = memory_bytes
        self._niceness = niceness
        self._process: ForkServerProcess | None = None
        self._connection: Connection | None = None
        self._interrupted = False

    def call(self, call: Call) -> Result:
        """Runs a function in the process.

        Raises:
            Invalid: the function raised it, or its subclass Uncomputable.
            NotJson: the function raised it.
            Unfinished: the function took more time or memory than the limits allow.
            Busy: another process killed the process.
            RuntimeError: the function raised another error, which the process has logged.
        """
        try:
            connection = self._connect()
            connection.send(call)
            pid = None if self._process is None else self._process.pid
            reason = wait_for_answer(pid, connection, self._seconds)
            if reason is not None:
                self.kill()
                raise Unfinished(self._describe(reason))
            kind, value, is_last = connection.recv()
        except (EOFError, OSError):
            self._raise_death()
        if is_last:
            self.kill()
        return self._get_result(kind, value)

    def _get_result(self, kind: str, value: Any) -> Result:
        if kind == "value":
            result: Result = value
            return result
        if kind == "invalid":
            faults: list[Fault] = value
            raise Invalid(faults)
        if kind == "not JSON":
            raise NotJson(value)
        if kind == "uncomputable":
            raise Uncomputable(*value)
        if kind == "memory":
            raise Unfinished(self._describe("memory"))
        raise RuntimeError(f"A prediction raised {value}")

    def _raise_death(self) -> None:
        assert self._process is not None
        self._process.join(GRACE_SECONDS)
        code = self._process.exitcode
        self.kill()
        if not self._interrupted:
            log.warning("A prediction process died (exit code %s)", code)
        if _ENDED.get(code or 0) is None:
            raise Unfinished(self._describe("memory"))
        raise Busy("The process that predicted was killed; send the request again.", retry_after=2)

    def _describe(self, reason: Outcome) -> str:
        if reason == "late":
            return f"It took longer than {self._seconds:g} seconds (PREDICT_SECONDS)."
        return (
            f"It needs more memory than the {self._memory_bytes:,} bytes it may take "
            "(PREDICT_MEMORY_BYTES)."
        )

    def _connect(self) -> Connection:
        if self._connection is not None and self._process is not None and self._process.is_alive():
            return self._connection
        self.kill()
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_serve,
            args=(theirs, self._seconds, self._memory_bytes, self._niceness),
            daemon=True,
        )
        try:
            process.start()
        except (OSError, EOFError) as error:
            ours.close()
            raise Busy("The prediction process is being started.", retry_after=2) from error
        finally:
            theirs.close()
        self._process, self._connection, self._interrupted = process, ours, False
        if not ours.poll(START_SECONDS):
            self.kill()
            raise Busy("No prediction process starts; send the request again.", retry_after=5)
        ours.recv()  # its imports do not count against the time of the call
        return ours

    def interrupt(self) -> None:
        """Kills the process from another thread; a call in progress raises Busy."""
        if (process := self._process) is not None:
            self._interrupted = True
            with suppress(ValueError):  # its own thread has just ended it
                process.kill()

    def kill(self) -> None:
        """Ends the process; the next call starts another."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
        self._process = self._connection = None


def _serve(
    connection: Connection, seconds: float, memory_bytes: int, niceness: int = NICENESS
) -> None:
    """Runs the calls that arrive, one after the other, until the connection is closed."""
    gc.freeze()  # a collection would copy all pages of TensorFlow's objects
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # only workers use accelerators
    remove_secrets(os.environ)
    os.nice(niceness)
    start = psutil.Process().memory_info()
    resource.setrlimit(resource.RLIMIT_AS, (start.vms + memory_bytes,) * 2)
    with suppress(EOFError, OSError):  # the service has ended
        connection.send("ready")
        for count in range(1, MOST_CALLS + 1):
            call: Call = connection.recv()
            signal.setitimer(signal.ITIMER_REAL, seconds + GRACE_SECONDS)
            kind, value = _run(call)
            signal.setitimer(signal.ITIMER_REAL, 0)
            grown = psutil.Process().memory_info().rss - start.rss
            is_last = count == MOST_CALLS or grown > KEPT_BYTES or kind == "memory"
            connection.send((kind, value, is_last))


def _run(call: Call) -> tuple[str, Any]:
    module, _, name = call.function.rpartition(".")
    try:
        function = getattr(importlib.import_module(module), name)
        started = time.perf_counter()
        value = function(*call.arguments)
        return "value", Result(value, time.perf_counter() - started)
    except Uncomputable as error:
        return "uncomputable", (error.faults, error.shapes)
    except Invalid as error:
        return "invalid", error.faults
    except NotJson as error:
        return "not JSON", error.detail
    except MemoryError:
        return "memory", None
    except Exception as error:  # an error of any library is reported to the parent
        log.exception("%s failed in a prediction process", call.function)
        return "failed", type(error).__name__
