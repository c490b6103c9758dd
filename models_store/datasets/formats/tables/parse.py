"""Parses texts of an Arrow array as numbers or booleans."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

_HEXADECIMAL = "^0[xX]"


def parse_texts(texts: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """Returns the values; None if one of the texts is no such value. White space is ignored.

    Arrow would take 0xFF for the int8 -1, so hexadecimal numbers are not taken.
    """
    trimmed = pc.ascii_trim_whitespace(texts)
    if pt.is_integer(kind) and pc.any(pc.match_substring_regex(trimmed, _HEXADECIMAL)).as_py():
        return None
    try:
        return trimmed.cast(kind)
    except pa.ArrowInvalid:
        return None


def find_unparsed(texts: pa.Array, kind: pa.DataType) -> int:
    """Returns the index of the first text that is no such value, if there is one."""
    low, high = 0, len(texts)
    while high - low > 1:
        middle = (low + high) // 2
        if parse_texts(texts.slice(low, middle - low), kind) is None:
            high = middle
        else:
            low = middle
    return low
