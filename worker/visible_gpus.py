"""The GPUs that a worker and its training processes may use.

The forkserver of `graphfit serve` is shared by all workers, so a training process does not inherit
the variable of its worker: the worker hands it over.
"""

import os

VARIABLE = "CUDA_VISIBLE_DEVICES"
"""CUDA reads it when TensorFlow first looks for GPUs, which the forkserver never does."""


def read() -> str | None:
    """Returns the variable of this process; None if it is not set."""
    return os.environ.get(VARIABLE)


def apply(gpus: str | None) -> None:
    """Sets the variable of this process; None removes it."""
    if gpus is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = gpus
