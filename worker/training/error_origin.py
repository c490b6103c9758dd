"""Finds out whether Keras raised an error or this service did."""

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
    """Whether Keras or TensorFlow raised an error; call `keep_tracebacks` before it is raised.

    The innermost frame of Keras or of this service decides. A frame of NumPy, for example, belongs
    to the code that called NumPy.
    """
    for frame, _ in reversed(list(walk_tb(error.__traceback__))):
        package = _module_of(frame).partition(".")[0]
        if package in KERAS + OURS:
            return package in KERAS
    return False


def _module_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
