"""Starts training processes: forks of a server that has imported Keras and run nothing."""

import gc
import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any

from worker.preload import MODULES
from worker.process_name import name_process
from worker.protocol.machine import Machine
from worker.protocol.tasks import Task

DYING_SECONDS = 2

_context = multiprocessing.get_context("forkserver")


class NoDevice(Exception):
    """This worker has nothing to compute on, or not what it was told to use."""


def warm_up(gpus: int = 0) -> Machine:
    """Starts the server and waits until it has imported Keras and forks at once.

    A job claimed before would spend its lease on the import.

    Args:
        gpus: How many there must be.

    Returns:
        What its first child found here.

    Raises:
        NoDevice: there are fewer, or the child ended without a word.
    """
    _context.set_forkserver_preload(MODULES)
    machine = _described()
    found = machine.capacity.gpus
    if found < gpus:
        raise NoDevice(f"This worker is to use {gpus} GPU(s), and TensorFlow finds {found} here.")
    return machine


def _described() -> Machine:
    """By a second child, where something killed the first."""
    for _ in range(2):
        process, ours = _started(_describe)
        try:
            machine: Machine = ours.recv()
            return machine
        except EOFError:
            continue
        finally:
            process.join()
    raise NoDevice(f"TensorFlow does not start here (exit {process.exitcode}).")


def launch(task: Task) -> tuple[ForkServerProcess, Connection]:
    """A process that runs the task, and our end of its pipe.

    Its end closes here, so that ours reads the end of the stream when it dies.
    """
    return _started(_run, task)


def _started(target: Callable[..., None], *arguments: Any) -> tuple[ForkServerProcess, Connection]:
    """The server may be killed meanwhile: once it is quite dead, a fork starts another."""
    for _ in range(DYING_SECONDS * 10):
        try:
            return _forked(target, *arguments)
        except (EOFError, OSError):
            time.sleep(0.1)
    return _forked(target, *arguments)


def _forked(target: Callable[..., None], *arguments: Any) -> tuple[ForkServerProcess, Connection]:
    ours, its = _context.Pipe()
    process = _context.Process(target=target, args=(its, *arguments), daemon=True)
    process.start()
    its.close()
    return process, ours


def _run(connection: Connection, task: Task) -> None:
    """The first thing a forked process does; only there is Keras imported."""
    gc.freeze()  # else a collection walks all of TensorFlow, and copies the pages that it touches
    from worker.training.main import run

    name_process("graphfit-train")
    run(task, connection)


def _describe(connection: Connection) -> None:
    from worker.training.hardware.inventory import machine

    connection.send(machine())
