"""Parses Thrift's compact protocol, in which the metadata of Parquet are written."""

from collections.abc import Callable, Iterator
from typing import Any

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _, _STRUCT = range(1, 13)
_MOST_DEPTH = 16
_MOST_ITEMS = 1 << 16
Fields = dict[int, Any]
"""The values of a struct by the numbers of its fields; None for texts and lists."""
Kept = dict[int, Any]
"""The fields whose lists and structs have texts or lists that are kept, each with its own."""
_NOTHING: Kept = {}


def parse_struct(data: bytes, at: int, depth: int = 0, kept: Kept = _NOTHING) -> tuple[Fields, int]:
    """Returns the fields of a struct, and the place after it.

    Args:
        data: The bytes.
        at: The place of the struct.
        depth: The number of structs around it.
        kept: The fields whose lists are kept; all other lists and texts are None.

    Raises:
        ValueError: There is no struct.
        IndexError: The data end before the struct.
    """
    fields: Fields = {}
    field = 0
    while byte := data[at]:
        field, at = _parse_field(data, at, field)
        parser = _find_parser(byte & 0x0F)
        fields[field], at = parser(data, at, depth, kept.get(field))
    return fields, at + 1


def iterate_structs(data: bytes, wanted: int, kept: Kept) -> Iterator[Fields]:
    """Yields the structs of a list that is a field of the first struct.

    Args:
        data: The bytes.
        wanted: The number of the field.
        kept: As `parse_struct` takes it, for each of the structs.

    Raises:
        ValueError: There is no struct, or the field is no list of structs.
        IndexError: The data end before the struct.
    """
    at = field = 0
    while byte := data[at]:
        field, at = _parse_field(data, at, field)
        if field != wanted:
            _, at = _find_parser(byte & 0x0F)(data, at, 0, None)
            continue
        count, kind, at = _parse_list_header(data, at)
        if byte & 0x0F != _LIST or (kind != _STRUCT and count):
            raise ValueError("the field is no list of structs")
        for _item in range(count):
            fields, at = parse_struct(data, at, 1, kept)
            yield fields


def _parse_field(data: bytes, at: int, before: int) -> tuple[int, int]:
    """Returns the number of a field, and the place of its value."""
    if step := data[at] >> 4:
        return before + step, at + 1
    return _parse_zigzag(data, at + 1)


def _find_parser(kind: int) -> "_Parser":
    parser = _PARSERS.get(kind)
    if parser is None:
        raise ValueError("a field has an unknown type")
    return parser


def _parse_zigzag(
    data: bytes, at: int, depth: int = 0, kept: Kept | None = None
) -> tuple[int, int]:
    value, at = parse_varint(data, at)
    return (value >> 1) ^ -(value & 1), at


def parse_varint(data: bytes, at: int) -> tuple[int, int]:
    """Returns a number of seven bits a byte, the lowest ones first, and the place after it.

    Raises:
        ValueError: The number is too long.
        IndexError: The data end before the number.
    """
    value = shift = 0
    while (byte := data[at]) >= 0x80:
        value |= (byte & 0x7F) << shift
        shift += 7
        at += 1
        if shift > 63:
            raise ValueError("a number is too long")
    return value | byte << shift, at + 1


def _parse_binary(data: bytes, at: int, depth: int, kept: Kept | None) -> tuple[bytes | None, int]:
    length, at = parse_varint(data, at)
    return None if kept is None else data[at : at + length], at + length


def _parse_list_header(data: bytes, at: int) -> tuple[int, int, int]:
    """Returns the number of items, their type, and the place of the first one."""
    count, kind, at = data[at] >> 4, data[at] & 0x0F, at + 1
    if count == 0x0F:
        count, at = parse_varint(data, at)
    if count > _MOST_ITEMS:
        raise ValueError("a list is too long")
    return count, kind, at


def _parse_list(
    data: bytes, at: int, depth: int, kept: Kept | None
) -> tuple[list[Any] | None, int]:
    if depth > _MOST_DEPTH:
        raise ValueError("lists are nested too deep")
    count, kind, at = _parse_list_header(data, at)
    if kind in (_TRUE, _FALSE):
        return None, at + count
    items: list[Any] = []
    parser = _find_parser(kind)
    for _item in range(count):
        item, at = parser(data, at, depth + 1, kept)
        if kept is not None:
            items.append(item)
    return None if kept is None else items, at


def _parse_inner(data: bytes, at: int, depth: int, kept: Kept | None) -> tuple[Fields, int]:
    if depth > _MOST_DEPTH:
        raise ValueError("structs are nested too deep")
    return parse_struct(data, at, depth + 1, kept or _NOTHING)


_Parser = Callable[[bytes, int, int, Kept | None], tuple[Any, int]]
_PARSERS: dict[int, _Parser] = {
    _TRUE: lambda data, at, depth, kept: (True, at),
    _FALSE: lambda data, at, depth, kept: (False, at),
    _BYTE: lambda data, at, depth, kept: (data[at], at + 1),
    _I16: _parse_zigzag,
    _I32: _parse_zigzag,
    _I64: _parse_zigzag,
    _DOUBLE: lambda data, at, depth, kept: (None, at + 8),
    _BINARY: _parse_binary,
    _LIST: _parse_list,
    _SET: _parse_list,
    _STRUCT: _parse_inner,
}
