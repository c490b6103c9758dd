"""The processes that a storm's service is made of, whoever their parents are by now."""

import signal
from collections.abc import Iterable
from contextlib import suppress

import psutil

MARK = "GRAPHFIT_STORM"
"""A variable of the environment that every process of the service inherits."""


def marked(mark: str) -> list[psutil.Process]:
    """All that live, zombies aside."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it ended, or is another user's
            if process.environ().get(MARK) == mark:
                found.append(process)
    return found


def strays(mark: str, parts: Iterable[int]) -> list[psutil.Process]:
    """Those that descend from none of these living processes."""
    homes = set(parts)
    return [process for process in marked(mark) if not _lineage(process) & homes]


def _lineage(process: psutil.Process) -> set[int]:
    with suppress(psutil.Error):
        return {process.pid, *(parent.pid for parent in process.parents())}
    return {process.pid}


def forkserver(part: int) -> psutil.Process | None:
    """The process that forks a part's children."""
    with suppress(psutil.Error):
        for child in psutil.Process(part).children():
            with suppress(psutil.Error):
                if any("multiprocessing.forkserver" in word for word in child.cmdline()):
                    return child
    return None


def forked(part: int) -> list[psutil.Process]:
    """What a part's forkserver has forked: of a worker, the process that trains."""
    server = forkserver(part)
    with suppress(psutil.Error):
        return [] if server is None else server.children()
    return []


def tree(part: int) -> list[psutil.Process]:
    """A part and all that descends from it."""
    with suppress(psutil.Error):
        top = psutil.Process(part)
        return [top, *top.children(recursive=True)]
    return []


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> int:
    """Sends a signal and gives how many lived to get it."""
    hit = 0
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(number)
            hit += 1
    return hit


def described(process: psutil.Process) -> str:
    """For people."""
    with suppress(psutil.Error):
        return f"{process.pid} ({' '.join(process.cmdline())[:120]}, {process.status()})"
    return str(process.pid)
