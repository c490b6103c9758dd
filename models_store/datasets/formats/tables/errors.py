"""Turns errors of pyarrow about a damaged body into faults."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pyarrow as pa

from models_store.datasets.formats.faults import Faults


@contextmanager
def stop_at_damage(faults: Faults, detail: str) -> Iterator[None]:
    """Raises a fault for each error that pyarrow raises at a damaged body.

    Args:
        faults: The faults so far.
        detail: The text of the fault.

    Raises:
        Invalid: pyarrow could not read the body.
    """
    try:
        yield
    except OSError as error:
        if error.errno is not None:  # the disk, not the body
            raise
        faults.stop("", detail)
    except (pa.ArrowException, ValueError, IndexError):
        faults.stop("", detail)


def read_batches(
    batches: Iterable[pa.RecordBatch], faults: Faults, detail: str
) -> Iterator[pa.RecordBatch]:
    """Yields the batches of a body; errors of their consumer stay as they are.

    Raises:
        Invalid: pyarrow could not read the next batch.
    """
    iterator = iter(batches)
    while True:
        with stop_at_damage(faults, detail):
            batch = next(iterator, None)
        if batch is None:
            return
        yield batch
