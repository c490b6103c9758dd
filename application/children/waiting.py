"""Waits for a child process, whose time and memory are limited."""

import time
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Literal

import psutil

Outcome = Literal["late", "memory"]
LOOK_SECONDS = 1.0
"""Time between two looks at the memory of a child."""
MARGIN_BYTES = 2**20
"""A child that is so close to its limit may lack the memory to report that."""


def wait_for_answer(pid: int | None, receiver: Connection, seconds: float) -> Outcome | None:
    """Waits for the answer or the end of a child.

    A child without any memory left may neither answer nor end. A child that stays at its limit is
    therefore not waited for.

    Returns:
        The outcome of a child that has to be ended. Otherwise None.
    """
    end = time.monotonic() + seconds
    before = None
    while not receiver.poll(min(max(0, end - time.monotonic()), LOOK_SECONDS)):
        if time.monotonic() >= end:
            return "late"
        left = _count_left_bytes(pid)
        if left is not None and left < MARGIN_BYTES and left == before:
            return "memory"
        before = left
    return None


def _count_left_bytes(pid: int | None) -> int | None:
    """Returns the address space that a process may still take; None if it is not limited."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        most = int(process.rlimit(psutil.RLIMIT_AS)[0])
        return None if most < 0 else most - int(process.memory_info().vms)
    return None
