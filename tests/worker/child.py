"""Runs a function in a child process, since determinism can be set once in a process."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

T = TypeVar("T")

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["worker.training.main"])


def in_child(function: Callable[..., T], *arguments: Any) -> T:
    """Calls a function in a child process. Function, arguments and result must be picklable."""
    ours, its = context.Pipe()
    process = context.Process(target=_answer, args=(its, function, arguments))
    process.start()
    its.close()
    try:
        answer: T = ours.recv()
    finally:
        process.join()
    return answer


def _answer(connection: Connection, function: Callable[..., Any], arguments: Any) -> None:
    connection.send(function(*arguments))
