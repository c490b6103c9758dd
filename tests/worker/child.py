"""Runs a function in a process of its own: determinism is set once for a whole process."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

T = TypeVar("T")

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["worker.training.main"])


def in_child(function: Callable[..., T], *arguments: Any) -> T:
    """What the function returns there; both have to be picklable."""
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
