"""Warm processes that compute predictions, and the queue before them."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from application.children.pool import Unfinished
from application.prediction.fair_queue import FairQueue, QueueFull
from application.prediction.process import Call, Result, WarmProcess
from application.settings import Settings
from domain.errors import Busy, Fault, Invalid
from domain.key import LOCAL_OWNER

MOST_WAITING = 512
"""The largest number of waiting predictions."""
FUNCTION = "predict"
"""The name of all calls in the metric of child processes."""
Observe = Callable[[str, str, float], None]
"""Called after each call with its name, the outcome and the seconds."""


@dataclass(frozen=True)
class Task:
    """A prediction that waits for a process."""

    open_file: Callable[[], AbstractContextManager[Path]]
    """Gives the file of the model, which exists until the context ends."""
    make_call: Callable[[Path], Call]
    """Returns the call, given the file of the model."""
    accept: Callable[[Result, Path], None]
    """Receives the result before the future does, in a thread of the pool."""
    future: "Future[Any]" = field(default_factory=Future)


class PredictionPool:
    """Computes predictions in warm processes; owners and models take turns.

    Each process has one thread here, which waits for it, so that no request holds a thread.
    """

    def __init__(self, settings: Settings, observe: Observe) -> None:
        count = settings.predict_processes
        self._queue: FairQueue[Task] = FairQueue(max(1, count - 1), MOST_WAITING)
        self._observe = observe
        self._processes = [
            WarmProcess(settings.predict_seconds, settings.predict_memory_bytes)
            for _ in range(count)
        ]
        self._threads: list[threading.Thread] = []
        self._guard = threading.Lock()

    def submit(self, owner: str, model_id: str, task: Task) -> "Future[Any]":
        """Adds a prediction to the queue, and returns the future of its value.

        The future raises Invalid if the prediction takes more time or memory than it may.

        Raises:
            Busy: too many predictions are waiting.
        """
        self._start()
        tenant = model_id if owner == LOCAL_OWNER else owner
        try:
            self._queue.put(tenant, model_id, task)
        except QueueFull:
            raise Busy("Too many predictions are waiting.", retry_after=2) from None
        return task.future

    def _start(self) -> None:
        with self._guard:
            if self._threads:
                return
            self._threads = [
                threading.Thread(
                    target=self._serve, args=(process,), name="predictions", daemon=True
                )
                for process in self._processes
            ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Ends the processes, and cancels the predictions that wait."""
        for task in self._queue.close():
            task.future.cancel()
        for process in self._processes:
            process.interrupt()
        for thread in self._threads:
            thread.join()

    def _serve(self, process: WarmProcess) -> None:
        while taken := self._queue.take():
            tenant, task = taken
            try:
                self._run(process, task)
            finally:
                self._queue.finish(tenant)
        process.kill()

    def _run(self, process: WarmProcess, task: Task) -> None:
        if not task.future.set_running_or_notify_cancel():
            return  # its client has gone
        started = time.monotonic()
        outcome = "value"
        try:
            with task.open_file() as path:
                result = process.call(task.make_call(path))
                task.accept(result, path)
            task.future.set_result(result.value)
        except Unfinished as error:
            outcome = "unfinished"
            task.future.set_exception(Invalid([Fault(pointer="", detail=error.detail)]))
        except BaseException as error:
            outcome = type(error).__name__.lower()
            task.future.set_exception(error)
        finally:
            self._observe(FUNCTION, outcome, time.monotonic() - started)
