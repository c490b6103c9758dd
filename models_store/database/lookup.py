"""Finds one row of an owner by its id."""

from typing import Any

from sqlalchemy import Connection, Row, Table, select

from domain.errors import NotFound


def get_row(connection: Connection, table: Table, owner: str, identifier: str) -> Row[Any]:
    """Gets one row of a table that has the columns `id` and `owner`.

    Raises:
        NotFound: The owner has no row with this id.
    """
    query = select(table).where(table.c.owner == owner, table.c.id == identifier)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(table.name.removesuffix("s"), identifier)
    return row
