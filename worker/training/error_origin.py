"""Finds out whether Keras or this service raised an error."""

from traceback import walk_tb
from types import FrameType

import keras
import tensorflow as tf

KERAS = ("keras", "tensorflow")
OURS = ("worker", "compiler", "domain", "models_store")


def keep_tracebacks() -> None:
    """Stops Keras and TensorFlow from removing their own frames from tracebacks."""
    keras.config.disable_traceback_filtering()
    tf.debugging.disable_traceback_filtering()


def is_raised_by_keras(error: Exception) -> bool:
    """Returns whether Keras or TensorFlow raised an error.

    Call `keep_tracebacks` before the error is raised.

    The innermost frame of Keras or of this service decides. A frame of NumPy, for example, belongs
    to the code that called NumPy.
    """
    for frame, _ in reversed(list(walk_tb(error.__traceback__))):
        package = _get_module(frame).partition(".")[0]
        if package in KERAS + OURS:
            return package in KERAS
    return False


SUBJECTS = {
    "keras.src.callbacks": "/fit/callbacks",
    "keras.src.optimizers": "/compile/optimizer",
    "keras.src.losses": "/compile/loss",
    "keras.src.metrics": "/compile/metrics",
}
"""The places in a job's request, by the packages of Keras that compute what stands there."""
GRAPH = ("keras.src.layers", "keras.src.models", "keras.src.ops.function")
"""The modules of Keras that compute a graph."""


def find_place(error: Exception, graph_place: str) -> str:
    """Returns the place in the job's request whose computation raised an error.

    The outermost call of a loss, metric, layer, optimizer or callback decides.

    Args:
        error: An error that Keras or TensorFlow raised.
        graph_place: The place of the graph.

    Returns:
        A JSON Pointer; `/compile` if the error belongs to none of these.
    """
    for frame, _ in walk_tb(error.__traceback__):
        module = _get_module(frame)
        if module.startswith(GRAPH):
            return graph_place
        for start, place in SUBJECTS.items():
            if module.startswith(start):
                return place
    return "/compile"


def _get_module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
