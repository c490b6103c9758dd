"""Cuts objects with data out of a JSON text, so that no parser holds all of their values at once.

A parser holds the interpreter while it runs. The text is searched in parts, between which other
threads run.
"""

import re
from collections.abc import Collection
from typing import NamedTuple

from domain.errors import Fault, Invalid, NotJson, TooLarge
from domain.json.pointer import pointer

WINDOW_BYTES = 1 << 18
"""The most bytes that are searched at once."""
LONGEST_STRING = 1 << 20
"""The most bytes of a string in the data."""
MOST_MARKS = 1_000_000
"""The most strings and braces of an object with data, which consists of lists of numbers."""
EMPTY = b"{}"
"""What stands for an object that was cut out."""
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_MARK = re.compile(rb'["{}]')
_STEP = re.compile(_STRING.pattern + rb"|[\[\]{}]", re.DOTALL)
_VALUE = re.compile(rb'"[ \t\r\n]*:[ \t\r\n]*(?=\{)')


class CutText(NamedTuple):
    """A JSON text without its data, and the texts of the data."""

    text: bytes
    """The text with `EMPTY` in place of each object with data."""
    data: dict[str, bytes]
    """The text of each object, by the field of the outermost object."""


def cut_data(text: bytes, fields: Collection[str], most_bytes: int) -> CutText:
    """Cuts the objects of some fields out of the outermost object of a JSON text.

    The text need not be valid: what remains of it and the data are parsed afterwards.

    Args:
        text: A JSON text.
        fields: Names of fields.
        most_bytes: The most bytes that may remain.

    Raises:
        TooLarge: More bytes remain.
        Invalid: A field appears twice, or its object has too many parts.
        NotJson: A string or an object of the data does not end.
    """
    kept: list[bytes] = []
    data: dict[str, bytes] = {}
    position = depth = scanned = 0
    while (found := _find_value(text, fields, scanned)) is not None:
        field, key, start = found
        _check_size(sum(map(len, kept)) + key - position, fields, most_bytes)
        depth += _count_depth(text, scanned, key)
        scanned = start
        if depth != 1:
            continue
        if field in data:
            detail = f"'{field}' appears twice in this object."
            raise Invalid([Fault(pointer=pointer(field), detail=detail)])
        end = _find_end(text, start, field)
        kept += [text[position:start], EMPTY]
        data[field] = text[start:end]
        position = scanned = end
    _check_size(sum(map(len, kept)) + len(text) - position, fields, most_bytes)
    kept.append(text[position:])
    return CutText(b"".join(kept), data)


def _check_size(size: int, fields: Collection[str], most: int) -> None:
    if size > most:
        named = " and ".join(f"`{name}`" for name in fields)
        detail = f"The fields of this body besides {named} may have at most {most} bytes"
        raise TooLarge(f"{detail} (MAX_DEFINITION_BYTES).")


def _find_value(text: bytes, fields: Collection[str], position: int) -> tuple[str, int, int] | None:
    """Returns the next field with an object, the place of its key and that of its object."""
    found = [_find_field(text, field, position) for field in fields]
    return min((item for item in found if item is not None), key=lambda item: item[1], default=None)


def _find_field(text: bytes, field: str, position: int) -> tuple[str, int, int] | None:
    key = f'"{field}'.encode()
    while position < len(text):
        place = text.find(key, position, position + WINDOW_BYTES)
        if place < 0:
            position += WINDOW_BYTES - len(key) + 1  # a key may lie across the end of the window
            continue
        position = place + len(key)
        value = _VALUE.match(text, position)
        if value is not None:
            return field, place, value.end()
    return None


def _count_depth(text: bytes, start: int, end: int) -> int:
    """Returns how many more lists and objects open than close in a part of a text."""
    marks = [found[0][:1] for found in _STEP.finditer(text, start, end)]
    return sum(mark in b"[{" for mark in marks) - sum(mark in b"]}" for mark in marks)


def _find_end(text: bytes, start: int, field: str) -> int:
    """Returns the end of the object that begins at `start`.

    Raises:
        Invalid: The object has too many strings and braces.
        NotJson: The object, or a string in it, does not end.
    """
    depth = marks = 0
    position = start
    while position < len(text):
        found = _MARK.search(text, position, position + WINDOW_BYTES)
        if found is None:
            position += WINDOW_BYTES
            continue
        marks += 1
        if marks > MOST_MARKS:
            detail = f"There are more than {MOST_MARKS} strings and objects here."
            raise Invalid([Fault(pointer=pointer(field), detail=detail)])
        position = found.end()
        if found[0] == b'"':
            position = _find_string_end(text, found.start(), field)
        else:
            depth += 1 if found[0] == b"{" else -1
            if depth == 0:
                return position
    raise NotJson(f"The object of `{field}` does not end.")


def _find_string_end(text: bytes, start: int, field: str) -> int:
    found = _STRING.match(text, start, start + LONGEST_STRING)
    if found is None:
        raise NotJson(
            f"A string in `{field}` does not end, or is longer than {LONGEST_STRING} bytes."
        )
    return found.end()
