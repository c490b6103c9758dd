"""Imports Keras and TensorFlow, whose remarks on their own start are nobody's business.

Both forkservers preload this module first. TensorFlow writes to the process's stderr before its
own log level counts, so the descriptor itself is turned aside; when the import fails, what was
written is shown after all.
"""

import gc
import importlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

STDERR = 2


@contextmanager
def held_back() -> Iterator[None]:
    """Keeps what is written to stderr to itself, unless what runs inside fails."""
    kept = os.dup(STDERR)
    with tempfile.TemporaryFile() as remarks:
        os.dup2(remarks.fileno(), STDERR)
        try:
            yield
        except BaseException:
            remarks.seek(0)
            os.write(kept, remarks.read())
            raise
        finally:
            os.dup2(kept, STDERR)
            os.close(kept)


def import_keras() -> None:
    """Imports Keras without collecting garbage, which takes a tenth of the time.

    What has been imported lasts, so that later collections need not look at it either.
    """
    gc.disable()
    try:
        with held_back():
            for name in ("tensorflow", "keras"):
                importlib.import_module(name)
        gc.freeze()
    finally:
        gc.enable()


import_keras()
