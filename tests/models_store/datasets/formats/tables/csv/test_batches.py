"""Batches of a CSV that are joined."""

import numpy as np
import pyarrow as pa

from models_store.datasets.formats.tables.csv.batches import MOST_ROWS, join_batches


def test_joined_batches_have_the_same_rows() -> None:
    sizes = [1, 0, MOST_ROWS - 2, 1, 5, MOST_ROWS, 7]
    values = np.arange(sum(sizes))
    table = pa.table({"x": values, "text": [f"é{value}" for value in values]})
    starts = np.cumsum(sizes) - sizes
    small = [table.slice(s, n).combine_chunks() for s, n in zip(starts, sizes, strict=True)]
    batches = [batch for part in small for batch in part.to_batches()]
    joined = list(join_batches(batches))
    assert pa.Table.from_batches(joined).equals(table)
    assert [batch.num_rows for batch in joined] == [MOST_ROWS, MOST_ROWS + 5, 7]


def test_batches_of_many_bytes_are_not_joined() -> None:
    batch = pa.record_batch({"text": ["a" * (9 << 20)]})
    assert len(list(join_batches([batch, batch]))) == 2
    assert not list(join_batches([]))
