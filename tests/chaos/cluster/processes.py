"""Finds the processes of a run's service, whether or not their parents still run."""

import signal
from collections.abc import Iterable
from contextlib import suppress

import psutil

MARK = "GRAPHFIT_CHAOS_RUN"
"""An environment variable that every process of the service inherits."""


def find_marked(mark: str) -> list[psutil.Process]:
    """The running processes of the service with this mark; zombies are left out."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it has ended, or belongs to another user
            if process.environ().get(MARK) == mark:
                found.append(process)
    return found


def find_strays(mark: str, parts: Iterable[int]) -> list[psutil.Process]:
    """The processes of the service that descend from none of the parts.

    Args:
        mark: The mark of the service.
        parts: The process ids of its parts.
    """
    homes = set(parts)
    return [process for process in find_marked(mark) if not _lineage(process) & homes]


def _lineage(process: psutil.Process) -> set[int]:
    with suppress(psutil.Error):
        return {process.pid, *(parent.pid for parent in process.parents())}
    return {process.pid}


def find_forkserver(part: int) -> psutil.Process | None:
    """The forkserver of a part; None if there is none."""
    with suppress(psutil.Error):
        for child in psutil.Process(part).children():
            with suppress(psutil.Error):
                if any("multiprocessing.forkserver" in word for word in child.cmdline()):
                    return child
    return None


def find_forks(part: int) -> list[psutil.Process]:
    """The processes that a part's forkserver has forked; a worker has one, which trains."""
    server = find_forkserver(part)
    with suppress(psutil.Error):
        return [] if server is None else server.children()
    return []


def find_tree(part: int) -> list[psutil.Process]:
    """A part and all its descendants."""
    with suppress(psutil.Error):
        top = psutil.Process(part)
        return [top, *top.children(recursive=True)]
    return []


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> int:
    """Sends a signal and returns the number of processes that received it."""
    received = 0
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(number)
            received += 1
    return received


def describe(process: psutil.Process) -> str:
    """A process as one line of text."""
    with suppress(psutil.Error):
        return f"{process.pid} ({' '.join(process.cmdline())[:120]}, {process.status()})"
    return str(process.pid)
