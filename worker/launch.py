"""Starts training processes: forks of a server that has imported Keras and run nothing."""

import multiprocessing
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess

from worker.order import Order

_context = multiprocessing.get_context("forkserver")


def warm_up() -> None:
    """Starts the server and waits until it has imported Keras and forks at once.

    A job claimed before would spend its lease on the import.
    """
    _context.set_forkserver_preload(["compiler.preload", "worker.trainer"])
    first = _context.Process(target=int)
    first.start()
    first.join()


def launch(order: Order) -> tuple[ForkServerProcess, Connection]:
    """A process that carries out the order, and our end of its pipe.

    Its end closes here, so that ours reads the end of the stream when it dies.
    """
    ours, its = _context.Pipe()
    process = _context.Process(target=_run, args=(order, its), name=order.job, daemon=True)
    process.start()
    its.close()
    return process, ours


def _run(order: Order, connection: Connection) -> None:
    """The first thing a forked process does; only there is Keras imported."""
    from worker.trainer import train

    train(order, connection)
