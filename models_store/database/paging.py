"""Pages of rows, newest first, by an opaque cursor."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, Table

from domain.errors import Fault, Invalid


class Page(NamedTuple):
    """Rows of one page, and the cursor of the next page."""

    rows: list[Row[Any]]
    next_cursor: str | None


def fetch_page(
    connection: Connection, query: Select[Any], table: Table, cursor: str | None, size: int
) -> Page:
    """Fetches up to `size` rows after `cursor`, by descending id (ULIDs sort by time).

    Raises:
        Invalid: The cursor is malformed.
    """
    if cursor is not None:
        query = query.where(table.c.id < _decoded(cursor))
    rows = list(connection.execute(query.order_by(table.c.id.desc()).limit(size + 1)))
    more = len(rows) > size
    return Page(rows[:size], _encoded(rows[size - 1].id) if more else None)


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
