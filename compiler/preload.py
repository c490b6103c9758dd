"""Imports Keras and TensorFlow, and discards the messages that they write meanwhile.

Forkservers preload this module first. TensorFlow writes to stderr before its log level takes
effect, so stderr's file descriptor is redirected. If the import fails, the messages are written.
"""

import gc
import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from domain.secret_variables import without_secrets

STDERR = 2
FORKSERVER = "from multiprocessing.forkserver import main"
"""The beginning of the program of a forkserver."""


def drop_secrets() -> None:
    """Start a forkserver again without the variables that may hold a secret.

    `multiprocessing` starts a forkserver with the environment of the API or of the worker. A
    variable that is only deleted from `os.environ` stays in `/proc/self/environ` of the forkserver
    and of its forks. The new program takes the place of the old one: its process id and its file
    descriptors stay the same.
    """
    clean = without_secrets(os.environ)
    if len(clean) < len(os.environ) and sys.orig_argv[-1].startswith(FORKSERVER):
        os.execve(sys.executable, sys.orig_argv, clean)


@contextmanager
def silence_stderr() -> Iterator[None]:
    """Discard what the block writes to stderr, unless the block raises an exception."""
    kept = os.dup(STDERR)
    with tempfile.TemporaryFile() as messages:
        os.dup2(messages.fileno(), STDERR)
        try:
            yield
        except BaseException:
            messages.seek(0)
            os.write(kept, messages.read())
            raise
        finally:
            os.dup2(kept, STDERR)
            os.close(kept)


def import_keras() -> None:
    """Import Keras with garbage collection off, because collections take a tenth of the time.

    Imported objects are permanent, so later collections ignore them.
    """
    gc.disable()
    try:
        with silence_stderr():
            for name in ("tensorflow", "keras"):
                importlib.import_module(name)
        gc.freeze()
    finally:
        gc.enable()


drop_secrets()
import_keras()
