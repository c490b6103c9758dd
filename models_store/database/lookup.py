"""Finds one thing of an owner's by its id."""

from typing import Any

from sqlalchemy import Connection, Row, Table, select

from domain.errors import NotFound


def row_of(connection: Connection, table: Table, owner: str, identifier: str) -> Row[Any]:
    """The row of a table whose things have owners.

    Raises:
        NotFound: the owner has none of this id.
    """
    query = select(table).where(table.c.owner == owner, table.c.id == identifier)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(table.name.removesuffix("s"), identifier)
    return row
