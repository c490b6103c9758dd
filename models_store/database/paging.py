"""Pages of rows, newest first, by an opaque cursor."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    Text,
    func,
    literal,
    type_coerce,
)

from domain.errors import Fault, Invalid
from models_store.database.types import Json

MOST_BYTES = 8 * 2**20
"""Characters of all JSON values of one page, if the caller names no other number."""


class PageRequest(NamedTuple):
    """The requested page of a list."""

    size: int
    """The largest number of rows."""
    cursor: str | None = None
    """The cursor of the page; None for the first page."""
    most_bytes: int = MOST_BYTES
    """The largest number of characters of the rows' JSON values, unless a single row has more."""


class Page(NamedTuple):
    """Rows of one page, and the cursor of the next page."""

    rows: list[Row[Any]]
    next_cursor: str | None


def fetch_page(
    connection: Connection, query: Select[Any], table: Table, request: PageRequest
) -> Page:
    """Fetches rows after the cursor, by descending id (ULIDs sort by time).

    The sizes of the rows are read first, so that large rows are not read into memory at once.

    Args:
        connection: A transaction.
        query: Selects rows of the table.
        table: The table.
        request: The page.

    Raises:
        Invalid: The cursor is malformed.
    """
    if request.cursor is not None:
        query = query.where(table.c.id < _decoded(request.cursor))
    query = query.order_by(table.c.id.desc())
    length = measure_json(query.selected_columns)
    measured = query.with_only_columns(length).limit(request.size + 1)
    lengths = connection.execute(measured).scalars().all()
    count = count_fitting(lengths[: request.size], request.most_bytes)
    rows = list(connection.execute(query.limit(count))) if count else []
    more = bool(rows) and len(lengths) > count
    return Page(rows, _encoded(rows[-1].id) if more else None)


def measure_json(columns: Iterable[Any]) -> ColumnElement[int]:
    """Returns the number of characters of all JSON columns of a row."""
    lengths = [
        func.coalesce(func.length(type_coerce(column, Text)), 0)
        for column in columns
        if isinstance(column.type, Json)
    ]
    return sum(lengths[1:], lengths[0]) if lengths else literal(0)


def count_fitting(lengths: Sequence[int], most_bytes: int) -> int:
    """Returns how many of the first items fit; at least one, if there is one."""
    totals = accumulate(lengths)
    return max(min(1, len(lengths)), sum(total <= most_bytes for total in totals))


def _encoded(identifier: str) -> str:
    return urlsafe_b64encode(identifier.encode()).decode().rstrip("=")


def _decoded(cursor: str) -> str:
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        text = ""
    if "_" not in text or not text.isprintable():
        raise Invalid([Fault(pointer="", detail="`cursor` is not a `next_cursor` of this list.")])
    return text
