"""The entry of a training process: it executes one task and reports the outcome or a failure."""

import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from compiler.model.build import RECURSION_LIMIT
from worker.protocol.messages import Finished, FromChild, Warned
from worker.protocol.tasks import Task
from worker.training.error_origin import keep_tracebacks
from worker.training.errors import REQUEST_ERRORS, make_failure
from worker.training.handlers.registry import execute
from worker.training.supervisor_link import SupervisorLink


def run(task: Task, connection: Connection) -> None:
    """Executes a task and reports to the supervisor; runs in a process of its own.

    Raises:
        Exception: Any error that is not a known fault of the request, so that its traceback is
            logged. The failure has been sent to the supervisor before.
    """
    link = SupervisorLink(connection, task.lease_seconds, task.leased_at)
    link.start()
    sys.setrecursionlimit(RECURSION_LIMIT)
    keep_tracebacks()
    tempfile.tempdir = str(task.folder)  # deleted by the sweep if this process is killed
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor handles Ctrl-C
    try:
        with _send_warnings(link.send):
            link.send(Finished(execute(task, link)))
    except Exception as error:
        link.send(make_failure(error, task))
        if not isinstance(error, REQUEST_ERRORS):
            raise


@contextmanager
def _send_warnings(send: Callable[[FromChild], None]) -> Iterator[None]:
    """Sends each of Keras's warnings to the client once."""
    sent: set[str] = set()

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        text = str(message)
        of_keras = issubclass(category, UserWarning | SyntaxWarning)
        if of_keras and text not in sent:
            sent.add(text)
            send(Warned(text))

    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)
        warnings.simplefilter("default", SyntaxWarning)
        warnings.showwarning = show
        yield
