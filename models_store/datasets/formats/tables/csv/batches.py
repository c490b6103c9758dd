"""Joins the batches of a CSV, which are small since their text fits the cache of a processor."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

MOST_ROWS = 1 << 16
"""Rows from which on a batch is large."""
MOST_BYTES = 8 << 20
"""Bytes from which on a batch is large."""


def join_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yields large batches with the same rows in the same order."""
    joined: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        joined.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= MOST_ROWS or size >= MOST_BYTES:
            yield pa.concat_batches(joined)
            joined, rows, size = [], 0, 0
    if joined:
        yield pa.concat_batches(joined)
