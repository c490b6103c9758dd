"""The training process, from its order to its last word."""

import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from multiprocessing.connection import Connection
from typing import Any

import keras
from safetensors.numpy import load_file

from compiler.model.build import Built, build
from compiler.model.weights import arrays_of, assign, copy_sources
from domain.errors import Invalid
from domain.job.job import Epoch
from worker.protocol.messages import Finished, FromChild, Started, Warned
from worker.protocol.training_order import Order
from worker.training.devices import choose
from worker.training.environment import environment, pin
from worker.training.epochs import Training
from worker.training.errors import CannotTrain, failure_of
from worker.training.export import Export
from worker.training.memory import bound
from worker.training.output_folder import Folder
from worker.training.supervisor_link import Lifeline

RECURSION_LIMIT = 200_000
"""Keras walks a graph recursively, some frames for each node of a chain."""

Say = Callable[[FromChild], None]


def train(order: Order, connection: Connection) -> None:
    """Carry out an order and tell the supervisor; runs in a process of its own.

    Raises:
        Exception: What is nobody's known fault, after the supervisor has been told.
    """
    lifeline = Lifeline(connection, order.lease_seconds, order.leased_at)
    lifeline.start()
    sys.setrecursionlimit(RECURSION_LIMIT)
    tempfile.tempdir = str(order.folder)  # the sweep's, if this process is killed
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor to act on
    try:
        with _warnings_said(lifeline.send):
            lifeline.send(_finished(order, lifeline))
    except Exception as error:
        failure = failure_of(error, order)
        lifeline.send(failure)
        if not isinstance(error, Invalid | CannotTrain):
            raise  # for the log


def _finished(order: Order, lifeline: Lifeline) -> Finished:
    bound(order.memory_bytes)
    pin(order.deterministic, order.threads)
    strategy = choose(order)
    folder = Folder(order.folder, lifeline)
    with nullcontext() if strategy is None else strategy.scope():
        built = _built(order)
    history = _history(order, built, folder, lifeline, strategy)
    export = Export(folder, _kept(order, built, strategy))
    export.run(history)
    metrics = history[-1].metrics if history else {}
    return Finished(tuple(export.files), tuple(export.left_out), metrics)


def _built(order: Order) -> Built:
    """The model with the weights that training, or the model of a `build`, starts from."""
    built = build(order.blueprint, order.seed)
    if order.initial_weights is not None:  # the sources' weights are among them
        assign(built, load_file(order.initial_weights))
    else:
        copy_sources(built, {id_: load_file(path) for id_, path in order.source_weights.items()})
    return built


def _kept(order: Order, built: Built, strategy: Any) -> Built:
    """The model as it is kept: in float32 and on one device, however it was trained."""
    if strategy is None and not order.mixed_precision:
        return built
    keras.config.set_dtype_policy("float32")
    plain = build(order.blueprint, order.seed)
    assign(plain, arrays_of(built))
    return plain


def _history(
    order: Order, built: Built, folder: Folder, lifeline: Lifeline, strategy: Any
) -> list[Epoch]:
    if order.recipe is None:
        lifeline.send(Started(environment(order.deterministic), epoch=0, step=0, steps=0))
        return []
    return Training(order, order.recipe, built, folder, lifeline, strategy).run()


@contextmanager
def _warnings_said(say: Say) -> Iterator[None]:
    """What Keras warns its user of is said to the client, once each."""

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if issubclass(category, UserWarning):
            say(Warned(str(message)))

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield
