"""Writes a dataset as NDJSON."""

from collections.abc import Iterator

import orjson

from models_store.datasets.output.blocks import RowBlocks


def write(rows: RowBlocks) -> Iterator[bytes]:
    """Yields the lines of a dataset, those of a block of rows at a time."""
    names = [column.name for column in rows.dataset.columns]
    for blocks in rows:
        columns = [each.block.to_list() for each in blocks]
        lines = [
            orjson.dumps(dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)
        ]
        yield b"\n".join([*lines, b""])
