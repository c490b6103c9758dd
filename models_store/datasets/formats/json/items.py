"""Finds complete items of an open JSON list in a text, and parses them all at once."""

import re
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import orjson
from pydantic_core import from_json

from models_store.datasets.columns.npy import MAX_AXES, Array

BLANKS = b" \t\r\n"
_BLANK = rb"[ \t\r\n]*"
_OPENINGS = re.compile(rb"[ \t\r\n\[]*")
_WINDOW_BYTES = 4096
_HUGE_EXPONENTS = (re.compile(rb"e-\d{9}"), re.compile(rb"E-\d{9}"))
"""Two patterns, since a search for one that begins with fixed letters is ten times as fast."""


def find_limit(text: bytes, start: int) -> int:
    """Returns where the numbers and lists that begin at `start` end for certain.

    It is the place of the first quote or closing brace, or else the end of the text.
    """
    quote = text.find(b'"', start)
    end = len(text) if quote < 0 else quote
    brace = text.find(b"}", start, end)
    return end if brace < 0 else brace


def find_items(text: bytes, start: int, limit: int, is_column: bool, may_close: bool) -> int:
    """Returns the end of the complete items at `start`, or `start` if no item is complete.

    The end is either after a comma that another item follows, or before the bracket that closes
    the list. A text that is malformed may have any end: parsing the items then fails.

    Args:
        text: A part of a JSON text.
        start: Where an item of the open list begins.
        limit: The result of `find_limit`.
        is_column: Whether the open list is the column, which a quote or a brace must follow.
        may_close: Whether the last item of the list may be taken.
    """
    nesting = count_openings(text, start)
    if nesting > MAX_AXES:
        return start
    close = _find_close(text, start, limit, nesting, is_column)
    if close >= 0 and may_close:
        return close
    return _find_boundary(text, start, limit if close < 0 else close, nesting)


def count_openings(text: bytes, start: int) -> int:
    """Returns the number of lists that open at `start`, before the first number."""
    openings = _OPENINGS.match(text, start)
    return 0 if openings is None else openings[0].count(b"[")


def _find_close(text: bytes, start: int, limit: int, nesting: int, is_column: bool) -> int:
    """Returns the place of the bracket that closes the open list; -1 if the text has none."""
    if nesting == 0:
        return text.find(b"]", start, limit)
    if is_column:
        return text.rfind(b"]", start, limit) if limit < len(text) else -1
    found = _compile_closings(nesting + 1).search(text, start, limit)
    return -1 if found is None else found.end() - 1


def _find_boundary(text: bytes, start: int, limit: int, nesting: int) -> int:
    """Returns the end of the last comma between two items; `start` if there is none."""
    if nesting == 0:
        return _find_comma(text, start, limit)
    pattern, window = _compile_boundary(nesting), _WINDOW_BYTES
    while True:
        first = max(start, limit - window)
        ends = [found.end() for found in pattern.finditer(text, first, limit)]
        if ends or first == start:
            return ends[-1] if ends else start
        window *= 8


def _find_comma(text: bytes, start: int, limit: int) -> int:
    """Returns the end of the last comma that a number follows; `start` if there is none."""
    comma = text.rfind(b",", start, limit)
    if comma >= 0 and not text[comma + 1 : limit].strip(BLANKS):
        comma = text.rfind(b",", start, comma)
    return start if comma < 0 else comma + 1


@cache
def _compile_closings(count: int) -> "re.Pattern[bytes]":
    return re.compile(_BLANK.join([rb"\]"] * count))


@cache
def _compile_boundary(nesting: int) -> "re.Pattern[bytes]":
    """Compiles the end of an item, its comma, and the beginning of the next item."""
    return re.compile(_BLANK.join([rb"\]"] * nesting) + _BLANK + rb",(?=" + _BLANK + rb"\[)")


def parse_items(text: bytes) -> Array | None:
    """Parses items, which commas separate, into an array of bool, int64, uint64 or float64.

    Returns:
        An array of shape (items, *shape of an item). None if the text is malformed, the items
        differ in shape, or a value is no number or is beyond its dtype.
    """
    try:
        array = _parse(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return array if array is not None and array.size else None


def _parse(text: bytes) -> Array | None:
    array = _convert(orjson.loads(b"[%b]" % text), text)
    return _parse_large_integers(text) if array is not None and array.dtype == object else array


def _convert(values: list[Any], text: bytes) -> Array | None:
    """Converts values of a text to an array, which has objects if integers are large."""
    if b"u" in text or b"s" in text:  # true, false and null have one of these letters
        array = np.array(values)
        return array if array.dtype == np.bool_ else None
    has_exponent = b"e" in text or b"E" in text
    if not has_exponent and b"." not in text:
        array = np.array(values)
        return array if array.dtype == np.int64 else np.array(None)
    array = np.array(values, np.float64)
    if has_exponent and any(pattern.search(text) for pattern in _HUGE_EXPONENTS):
        return None
    return array if np.isfinite(array).all() else None


def _parse_large_integers(text: bytes) -> Array:
    """Parses integers exactly; orjson makes floats of those that are beyond uint64."""
    values = from_json(b"[%b]" % text)
    try:
        return np.array(values, np.int64)
    except OverflowError:
        return np.array(values, np.uint64)


class Rows(NamedTuple):
    """Items of which values are missing, or which are rows of differing length."""

    values: Array
    """0 or false where a value is missing."""
    missing: Array | None
    lengths: Array | None
    """The length of each item along its first axis, if `values` has the items of all rows."""


def parse_rows(text: bytes, is_ragged: bool) -> Rows | None:
    """Parses items that `parse_items` does not take.

    Args:
        text: Items, which commas separate.
        is_ragged: Whether the items are lists of differing length.

    Returns:
        None if the items must be read by events.
    """
    try:
        values = orjson.loads(b"[%b]" % text)
        lengths = np.fromiter(map(len, values), np.int64, len(values)) if is_ragged else None
        flat = list(chain.from_iterable(values)) if is_ragged else values
        found = _convert_missing(flat, text) if b"n" in text else (_convert(flat, text), None)
    except (ValueError, TypeError, OverflowError):
        return None
    array, missing = found
    if array is None or array.dtype == object or not array.size:
        return None
    return Rows(array, missing, lengths)


def _convert_missing(values: list[Any], text: bytes) -> tuple[Array | None, Array]:
    """Converts values of a text with null to an array and a mask."""
    items = np.array(values, object)
    missing = np.array(items == None, np.bool_)  # noqa: E711, by element
    kinds = set(map(type, items[~missing].tolist()))
    is_bool = kinds == {bool}
    items[missing] = False if is_bool else 0
    if is_bool:
        return items.astype(np.bool_), missing
    if not kinds or not kinds <= {int, float}:
        return None, missing
    numbers = text.replace(b"null", b"0")
    return _convert(items.tolist(), numbers), missing
