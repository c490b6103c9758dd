"""Writes a body to a file, for readers that read it twice or not from its beginning."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from models_store.datasets.columns.npy import BLOCK_BYTES
from models_store.datasets.formats.body import Source


def spool(source: Source, path: Path, check: Callable[[bytes], None] | None = None) -> int:
    """Writes a body to a new file, one block at a time; returns the number of its bytes.

    Args:
        source: The body.
        path: The new file.
        check: Is called with each block, in order, in a thread while the next block arrives.
    """
    size = 0
    checked: Future[None] | None = None
    with path.open("wb") as file, ThreadPoolExecutor(1) as thread:
        while block := source.read(BLOCK_BYTES):
            _wait(checked)
            checked = None if check is None else thread.submit(check, block)
            file.write(block)
            size += len(block)
        _wait(checked)
    return size


def _wait(checked: Future[None] | None) -> None:
    """Waits for a check; raises its error."""
    if checked is not None:
        checked.result()
