"""Starts training processes: forks of a forkserver that has imported Keras and run nothing."""

import gc
import multiprocessing
import os
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any

from domain.secret_variables import remove_secrets
from worker import visible_gpus
from worker.preload import MODULES
from worker.process_name import name_process
from worker.protocol.machine import Machine
from worker.protocol.tasks import Task

RETRY_SECONDS = 2.0
"""Time for which a fork is tried again while a killed forkserver ends."""
PAUSE_SECONDS = 0.1

_context = multiprocessing.get_context("forkserver")


class NoDevice(Exception):
    """TensorFlow does not start on this machine, or finds fewer GPUs than the worker must use."""


def warm_up(gpus: int = 0) -> Machine:
    """Starts the forkserver and waits until it has imported Keras.

    A job that is claimed earlier would spend its lease on the import.

    Args:
        gpus: The number of GPUs that the worker must have.

    Returns:
        The devices and the environment that a child process finds on this machine.

    Raises:
        NoDevice: the machine has fewer GPUs, or the child process died.
    """
    _context.set_forkserver_preload(MODULES)
    machine = _describe_machine()
    found = machine.capacity.gpus
    if found < gpus:
        raise NoDevice(f"This worker needs {gpus} GPU(s), but TensorFlow finds {found}.")
    return machine


def _describe_machine() -> Machine:
    """Describes this machine in a child process. If the first child dies, a second one is tried."""
    for _ in range(2):
        process, own_end = _start(_send_machine)
        try:
            machine: Machine = own_end.recv()
            return machine
        except EOFError:
            continue
        finally:
            process.join()
    raise NoDevice(f"TensorFlow does not start on this machine (exit {process.exitcode}).")


def launch(task: Task) -> tuple[ForkServerProcess, Connection]:
    """Starts a process that runs a task.

    Returns:
        The process and the supervisor's end of its pipe. Reading from the pipe raises EOFError
        after the process has died, since this process keeps no copy of the other end.
    """
    return _start(_run_task, task)


def _start(target: Callable[..., None], *arguments: Any) -> tuple[ForkServerProcess, Connection]:
    """Forks a process. If the forkserver was killed, tries until the next fork starts a new one."""
    for _ in range(round(RETRY_SECONDS / PAUSE_SECONDS)):
        try:
            return _fork(target, *arguments)
        except (EOFError, OSError):
            time.sleep(PAUSE_SECONDS)
    return _fork(target, *arguments)


def _fork(target: Callable[..., None], *arguments: Any) -> tuple[ForkServerProcess, Connection]:
    own_end, child_end = _context.Pipe()
    in_child = (visible_gpus.read(), target, child_end, *arguments)
    process = _context.Process(target=_run_in_child, args=in_child, daemon=True)
    process.start()
    child_end.close()
    return process, own_end


def _run_in_child(gpus: str | None, target: Callable[..., None], *arguments: Any) -> None:
    """Calls a function with the GPUs of the worker and without secrets.

    A child has the environment of the forkserver, not that of the worker.
    """
    remove_secrets(os.environ)
    visible_gpus.apply(gpus)
    target(*arguments)


def _run_task(connection: Connection, task: Task) -> None:
    """Runs a task in the forked process; only this process uses the imported Keras."""
    gc.freeze()  # a collection would walk all of TensorFlow and copy the pages that it touches
    from worker.training.main import run

    name_process(task.process_name)
    run(task, connection)


def _send_machine(connection: Connection) -> None:
    from worker.training.hardware.inventory import describe_machine

    connection.send(describe_machine())
