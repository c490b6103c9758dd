"""Writes one column of a dataset from Arrow arrays."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.dtype import TEXT
from domain.errors import clip
from domain.json.pointer import pointer
from models_store.datasets.columns.file import ColumnFile
from models_store.datasets.columns.npy import Array
from models_store.datasets.columns.numbers import InvalidValue
from models_store.datasets.columns.statistics import NumberStatistics, TextStatistics
from models_store.datasets.columns.writer import ColumnWriter, NumberWriter, TextWriter
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.tables.leaves import (
    MOST_TEXT_BYTES,
    check_utf8,
    count_texts,
    decode_numbers,
    find_missing,
    find_too_long,
    read_numbers,
    split_texts,
    view_texts,
)
from models_store.datasets.formats.tables.nested import Opened, Opener, RowFault
from models_store.datasets.formats.tables.plan import PlannedColumn
from models_store.datasets.formats.tables.types import Unsupported, to_numpy

Shape = tuple[int | None, ...]
MOST_VALUES = 1 << 20
"""The most values that are converted at once."""
TEXT_BYTES = 8
"""Bytes of a text without characters: the place of its end."""


class TableColumn:
    """A column that is being written."""

    def __init__(self, planned: PlannedColumn, path: Path) -> None:
        """Opens no file yet.

        Args:
            planned: The column.
            path: The file of its values.
        """
        self.planned = planned
        self.name = planned.name
        self._openers = [Opener(kind.levels) for kind in planned.types]
        self._order = planned.types[0].order
        self._writer = _make_writer(planned, path)
        is_text = planned.dtype == TEXT
        self._value_bytes = TEXT_BYTES if is_text else to_numpy(planned.dtype).itemsize

    @property
    def nbytes(self) -> int:
        """The bytes so far."""
        return self._writer.nbytes

    @property
    def statistics(self) -> NumberStatistics | TextStatistics:
        """The statistics of the values so far."""
        return self._writer.statistics

    def append(self, arrays: Sequence[pa.Array], most: int) -> None:
        """Writes the next rows.

        Args:
            arrays: The rows of each column of the table that this column has.
            most: Upper bound on the bytes of the values.

        Raises:
            RowFault: A row cannot be stored.
            OverflowError: The values have more than `most` bytes.
            Unsupported: A value cannot be converted to the dtype of the column.
        """
        pairs = zip(self._openers, arrays, strict=True)
        opened = [opener.open(array, most // self._value_bytes) for opener, array in pairs]
        try:
            if isinstance(self._writer, TextWriter):
                self._append_texts(self._writer, opened[0], most)
            else:
                assert isinstance(self._writer, NumberWriter), "the column holds numbers"
                self._append_numbers(self._writer, opened, len(arrays[0]))
        except InvalidValue as invalid:
            raise RowFault(opened[0].find_row(invalid.index), invalid.detail) from None
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowKeyError):
            kind, dtype = opened[0].values.type, self.planned.dtype
            detail = f"holds values of the type `{clip(str(kind))}` that cannot be read as {dtype}."
            raise Unsupported(detail) from None
        if opened[0].lengths is not None:
            self._writer.append_lengths(opened[0].lengths)

    def _append_texts(self, writer: TextWriter, opened: Opened, most: int) -> None:
        end = writer.nbytes + most
        for start, stop in _list_ranges(len(opened.values), MOST_VALUES):
            values, missing = (
                opened.values.slice(start, stop - start),
                opened.find_missing(start, stop),
            )
            with _counting_from(start):
                _append_in_parts(writer, values, missing, end - writer.nbytes)

    def _append_numbers(self, writer: NumberWriter, opened: Sequence[Opened], rows: int) -> None:
        """Writes values, in parts of a bounded size unless one row is larger."""
        if len(opened) == 1 and not self._order:
            for start, stop in _list_ranges(len(opened[0].values), MOST_VALUES):
                writer.append(*self._read_part(opened[0], start, stop))
            return
        size = len(opened[0].values) // max(rows, 1)
        step = max(1, MOST_VALUES // max(1, size * len(opened)))
        for first, last in _list_ranges(rows, step):
            parts = [self._read_part(part, first * size, last * size) for part in opened]
            blocks = [block.reshape(last - first, -1) for block, _ in parts]
            masks = [missing for _, missing in parts]
            writer.append(np.stack(blocks, axis=1), _join_masks(blocks, masks))

    def _read_part(self, opened: Opened, start: int, stop: int) -> tuple[Array, Array | None]:
        array = decode_numbers(opened.values.slice(start, stop - start))
        with _counting_from(start):
            values = read_numbers(array, to_numpy(self.planned.dtype))
        missing, outer = find_missing(array), opened.find_missing(start, stop)
        if outer is not None:
            missing = outer if missing is None else missing | outer
        return self._reorder(values), None if missing is None else self._reorder(missing)

    def _reorder(self, values: Array) -> Array:
        """Brings the axes of a tensor into the order of the rows."""
        if not self._order:
            return values
        shaped = values.reshape(-1, *self._openers[0].item_shape)
        return shaped.transpose(0, *(axis + 1 for axis in self._order))

    def finish(self, faults: Faults) -> ColumnFile | None:
        """Completes the files; adds a fault if the rows do not have the shape that was given."""
        shape = self._find_shape()
        given = self.planned.shape
        if given is not None:
            if not self._fits(given, shape):
                faults.add(pointer("options", "shape", self.name), self._describe_shape(shape))
                return None
            shape = given
        if 0 in shape:
            detail = f"Column '{self.name}' has rows without values."
            faults.add(pointer("columns", self.name), detail)
            return None
        return self._writer.finish(self.name, shape)

    def _fits(self, given: Shape, shape: Shape) -> bool:
        """Whether the rows can have the shape that the client gave."""
        if None in given:
            items = self._openers[0].item_shape
            return self._openers[0].is_ragged and math.prod(items) == _count_values(given)
        return None not in shape and _count_values(given) == _count_values(shape)

    def _find_shape(self) -> Shape:
        opener = self._openers[0]
        item_shape = opener.item_shape
        if self._order:
            item_shape = tuple(item_shape[axis] for axis in self._order)
        if opener.is_ragged:
            return self._writer.equal_length or None, *item_shape
        return item_shape if len(self._openers) == 1 else (len(self._openers), *item_shape)

    def _describe_shape(self, shape: Shape) -> str:
        given = self.planned.shape or ()
        if None in shape or None in given:
            detail = "the rows of this column differ" if None in shape else "no rows differ"
            return f"`shape.{self.name}`: {detail} in length."
        expected = "x".join(map(str, given)) or "one value"
        found = f"a row has {_count_values(shape)} values"
        return f"`shape.{self.name}`: {found}, which do not fill {expected}."


def _list_ranges(count: int, step: int) -> Iterator[tuple[int, int]]:
    """Yields the ranges of `count` items, each of at most `step` items."""
    for start in range(0, count, step):
        yield start, min(start + step, count)


@contextmanager
def _counting_from(start: int) -> Iterator[None]:
    """Lets the index of an invalid value count from the first value of all parts."""
    try:
        yield
    except InvalidValue as invalid:
        raise InvalidValue(start + invalid.index, invalid.detail) from None


def _append_in_parts(
    writer: TextWriter, values: pa.Array, missing: Array | None, most: int
) -> None:
    counts = count_texts(values) if writer.counts_texts else None
    before = 0
    for array in split_texts(values, most):
        texts = view_texts(_hide_missing(array, missing, before))
        if (wrong := find_too_long(texts)) is not None:
            size = int(texts.lengths[wrong])
            detail = f"The text has {size:,} bytes; a text may have {MOST_TEXT_BYTES:,}."
            raise InvalidValue(before + wrong, detail)
        if (wrong := check_utf8(texts)) is not None:
            raise InvalidValue(before + wrong, "The text is not UTF-8.")
        writer.append(texts.lengths, texts.data, counts, texts.missing)
        counts = None if counts is None else {}  # those of all values are counted already
        before += len(array)


def _count_values(shape: Shape) -> int:
    """Returns the number of values of a row, or of an item if the rows differ in length."""
    return math.prod(size for size in shape if size is not None)


def _join_masks(blocks: Sequence[Array], masks: Sequence[Array | None]) -> Array | None:
    """Joins the masks of the columns of a vector."""
    if all(mask is None for mask in masks):
        return None
    parts = [
        np.zeros(block.shape, np.bool_) if mask is None else mask.reshape(block.shape)
        for block, mask in zip(blocks, masks, strict=True)
    ]
    return np.stack(parts, axis=1)


def _hide_missing(array: pa.Array, missing: Array | None, start: int) -> pa.Array:
    """Returns texts that are null where a mask, which begins earlier, says so."""
    if missing is None:
        return array
    return pc.if_else(pa.array(missing[start : start + len(array)]), None, array)


def _make_writer(planned: PlannedColumn, path: Path) -> ColumnWriter:
    is_flat = len(planned.sources) == 1 and not planned.types[0].levels
    if planned.dtype == TEXT:
        return TextWriter(path, counts_values=is_flat)
    return NumberWriter(path, to_numpy(planned.dtype), counts_values=is_flat)
