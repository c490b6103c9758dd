"""Rules of a JSON text that parsers do not check: its encoding, and keys that appear twice."""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import Any

from domain.errors import Fault, clip
from domain.json.pointer import pointer

Place = tuple[str | int, ...]
_STRING_OR_COLON = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|:', re.DOTALL)
START_BYTES = 4
"""The number of bytes that show the encoding of a JSON text."""


def skip_byte_order_mark(text: bytes) -> bytes:
    """Return the text without the mark that some editors write before UTF-8 (RFC 8259, 8.1)."""
    return text.removeprefix(BOM_UTF8)


def name_other_encoding(text: bytes) -> str | None:
    """Return `UTF-16` or `UTF-32` if the first bytes show that encoding instead of UTF-8.

    A JSON text begins with an ASCII character, so the position of null bytes shows the encoding.
    """
    start = text[:START_BYTES]
    if start in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        return "UTF-32"
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "UTF-16"
    nulls = [position for position, byte in enumerate(start) if byte == 0]
    if len(nulls) == START_BYTES - 1:
        return "UTF-32"
    return "UTF-16" if nulls[:1] in ([0], [1]) and len(nulls) < START_BYTES else None


def explain_other_encoding(text: bytes) -> str | None:
    """Return why a body is not JSON if it has another encoding than UTF-8."""
    encoding = name_other_encoding(text)
    return None if encoding is None else f"The body is {encoding}; JSON is sent as UTF-8."


class _Object(list[tuple[str, Any]]):
    """An object as its keys and values, in the order of the text."""


def count_keys(text: bytes | str) -> int:
    """Return the number of keys of all objects of a JSON text; the text may be invalid.

    Colons are counted outside of strings. The text is searched in parts, between which other
    threads run.
    """
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    count = raw.count(b":")
    if count == 0 or b'"' not in raw:
        return count
    return sum(found[0] == b":" for found in _STRING_OR_COLON.finditer(raw))


def find_duplicate_keys(text: bytes | str, value: Any) -> Iterator[Fault]:
    """Yield a fault for each key that an object of a JSON text has already.

    Args:
        text: A valid JSON text.
        value: The value that a parser made of it, which has the last value of each key.
    """
    colons = text.count(b":") if isinstance(text, bytes) else text.count(":")
    if colons == 0 or (isinstance(value, dict) and colons == len(value)):
        return
    keys = _count_keys(value)
    if colons != keys and count_keys(text) != keys:
        parsed = json.loads(text, object_pairs_hook=_Object, parse_int=str, parse_float=str)
        yield from _find_duplicates(parsed, ())


def _count_keys(value: Any) -> int:
    """Return the number of keys in a value; less if a list has objects after a number."""
    count, waiting = 0, [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            count += len(part)
            waiting += [item for item in part.values() if isinstance(item, dict | list)]
        elif isinstance(part, list) and part and not isinstance(part[0], int | float):
            waiting += [item for item in part if isinstance(item, dict | list)]
    return count


def _find_duplicates(value: Any, place: Place) -> Iterator[Fault]:
    if isinstance(value, _Object):
        seen: set[str] = set()
        for key, item in value:
            if key in seen:
                detail = f"'{clip(key)}' appears twice in this object."
                yield Fault(pointer=pointer(*place, key), detail=detail)
            seen.add(key)
            yield from _find_duplicates(item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _find_duplicates(item, (*place, index))
