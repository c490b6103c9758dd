"""Learns what takes the place of missing values, from the rows that train."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from pydantic import JsonValue

from domain.dtype import TEXT, is_float, kind_of
from domain.job.preparation import DROP, STRATEGIES, Missing
from domain.job.recipe import Recipe
from domain.json.pointer import pointer
from models_store.datasets.columns.numbers import find_dtype
from models_store.datasets.columns.read import StoredColumn
from worker.training.errors import CannotTrain
from worker.training.rows.examples import find_kept_rows, read_blocks
from worker.training.rows.sources import TEXT_DTYPE, Array, find_missing

_DIGIT_BITS = 16
_SIGN = np.uint64(1 << 63)
Blocks = Callable[[], Iterator[tuple[Array, Array]]]
"""Yields values, of shape (items, ...), with a mask of those that count."""


def learn_fills(
    recipe: Recipe, columns: Mapping[str, StoredColumn], rows: range
) -> dict[str, Array]:
    """Learns the value in place of missing ones, for each column with an entry except `drop`.

    Values that are NaN or infinite do not count, nor do rows that are dropped.

    Args:
        recipe: Has what takes the place of missing values.
        columns: The columns by name.
        rows: The rows that train.

    Returns:
        An array by column, of the shape of one item of its rows.

    Raises:
        CannotTrain: A column has no value in these rows.
    """
    kept = find_kept_rows(recipe, columns, rows)
    fills: dict[str, Array] = {}
    for name, entry in recipe.missing.items():
        if entry == DROP or name not in columns:
            continue
        fill = _learn(columns[name], entry, rows, kept)
        if fill is None:
            detail = f"Column '{name}' has no value in the rows that train; take a value."
            raise CannotTrain(detail, pointer("feed", "missing", name))
        fills[name] = fill
    return fills


def _learn(column: StoredColumn, entry: Missing, rows: range, kept: Array | None) -> Array | None:
    if entry not in STRATEGIES:
        return _make_fill(entry, column)

    def read() -> Iterator[tuple[Array, Array]]:
        for start, block in read_blocks(column, rows):
            present = ~find_missing(block)
            if block.values.dtype != TEXT_DTYPE:
                present &= np.isfinite(block.values)
            if kept is not None:
                at = start - rows.start
                count = len(block.values) if block.lengths is None else len(block.lengths)
                mask = kept[at : at + count]
                mask = mask if block.lengths is None else np.repeat(mask, block.lengths)
                present &= mask.reshape(-1, *[1] * (present.ndim - 1))
            yield block.values, present

    if entry == "mean":
        return _compute_mean(read)
    return _compute_median(read) if entry == "median" else _find_most_frequent(read, column)


def _make_fill(value: Any, column: StoredColumn) -> Array:
    if column.dtype == TEXT:
        return np.array(value.encode(), object)
    is_whole = kind_of(column.dtype) == "integer"  # a client may write 3 as 3.0
    return np.asarray(int(value) if is_whole else value)


def _compute_mean(read: Blocks) -> Array | None:
    total: Any = 0.0
    count: Any = 0
    for values, present in read():
        total = total + np.where(present, values, 0).sum(axis=0, dtype=np.float64)
        count = count + present.sum(axis=0)
    return None if np.any(np.asarray(count) == 0) else np.asarray(total / count)


def _compute_median(read: Blocks) -> Array | None:
    """Returns the median for each place of an item."""
    count: Any = 0
    for _, present in read():
        count = count + present.sum(axis=0)
    counts = np.asarray(count)
    if np.any(counts == 0):
        return None
    result = np.empty(counts.shape)
    for place in np.ndindex(counts.shape):
        number = int(counts[place])
        low = _select(read, place, (number - 1) // 2)
        is_even = number % 2 == 0
        result[place] = np.mean([low, _select(read, place, number // 2)]) if is_even else low
    return result


def _select(read: Blocks, place: tuple[int, ...], position: int) -> float:
    """Returns the value at a position of the sorted values, in memory of constant size.

    The bits of the values are compared digit by digit, from the highest; each pass over the values
    counts those that begin with the digits found so far.

    Args:
        read: Reads the values.
        place: The place of the values in an item.
        position: The position, from 0.
    """
    prefix = 0
    for shift in range(64 - _DIGIT_BITS, -1, -_DIGIT_BITS):
        counts = np.zeros(1 << _DIGIT_BITS, np.int64)
        for values, present in read():
            at: Any = (slice(None), *place)
            keys = _to_keys(values[at][present[at]])
            same = (keys >> np.uint64(shift) >> np.uint64(_DIGIT_BITS)) == np.uint64(prefix)
            digits = (keys[same] >> np.uint64(shift)) & np.uint64((1 << _DIGIT_BITS) - 1)
            counts += np.bincount(digits.astype(np.intp), minlength=len(counts))
        ends = np.cumsum(counts)
        digit = int(np.searchsorted(ends, position, side="right"))
        position -= int(ends[digit] - counts[digit])
        prefix = prefix << _DIGIT_BITS | digit
    return _from_key(prefix)


def _to_keys(values: Array) -> Array:
    """Returns unsigned integers in the order of the numbers."""
    bits = (values.astype(np.float64) + 0.0).view(np.uint64)  # -0.0 becomes 0.0
    return np.where(bits >= _SIGN, ~bits, bits | _SIGN)


def _from_key(key: int) -> float:
    bits = np.array(key, np.uint64)
    bits = bits & ~_SIGN if bits >= _SIGN else ~bits
    return float(bits.view(np.float64))


def _find_most_frequent(read: Blocks, column: StoredColumn) -> Array | None:
    """Returns the value that occurs most often; of several, the smallest."""
    found: Counter[Any] = Counter()
    for values, present in read():
        distinct, counts = np.unique(values[present], return_counts=True)
        found.update(dict(zip(distinct.tolist(), counts.tolist(), strict=True)))
    if not found:
        return None
    most = max(found.values())
    value = min(value for value, count in found.items() if count == most)
    return np.array(value, object) if column.dtype == TEXT else np.asarray(value)


def describe_fills(
    recipe: Recipe, columns: Mapping[str, StoredColumn], fills: Mapping[str, Array]
) -> dict[str, JsonValue]:
    """Returns what takes the place of missing values by input; see `Signature.missing`."""
    found: dict[str, JsonValue] = {}
    for name, listed in recipe.inputs.items():
        if any(column in fills for column in listed):
            parts = [_list_fill(columns[column], fills.get(column)) for column in listed]
            joined: list[Any] = parts if len(parts) == 1 else [_join(parts, columns, listed)]
            found[name] = joined[0]
    return found


def _list_fill(column: StoredColumn, fill: Array | None) -> Any:
    """Returns a value, or nested lists of values, for an item of a column.

    A float is rounded as the column rounds it in the training.
    """
    shape = tuple(axis for axis in column.shape if axis is not None)
    if fill is None:
        return np.full(shape, None, object).tolist()
    if is_float(column.dtype):
        fill = fill.astype(find_dtype(column.dtype)).astype(np.float64)
    value = fill.item() if fill.ndim == 0 else None
    if isinstance(value, bytes):
        return np.full(shape, value.decode(), object).tolist()
    return np.broadcast_to(fill, shape).tolist()


def _join(parts: list[Any], columns: Mapping[str, StoredColumn], names: list[str]) -> Any:
    """Joins the values of several columns along the last axis."""
    arrays = [
        np.array(part, object).reshape([axis or 1 for axis in columns[name].shape] or [1])
        for part, name in zip(parts, names, strict=True)
    ]
    return np.concatenate(arrays, axis=-1).tolist()
