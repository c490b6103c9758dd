"""Imports Keras and TensorFlow, and discards the messages that they write meanwhile.

Forkservers preload this module first. TensorFlow writes to stderr before its log level takes
effect, so stderr's file descriptor is redirected. If the import fails, the messages are written.
"""

import gc
import importlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

STDERR = 2


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


import_keras()
