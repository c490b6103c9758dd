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


def _get_module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
