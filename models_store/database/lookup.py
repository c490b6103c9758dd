"""Finds one row of an owner by its id."""

from typing import Any

from sqlalchemy import Connection, Row, Select, Table, select

from domain.errors import NotFound


def get_row(connection: Connection, table: Table, owner: str, identifier: str) -> Row[Any]:
    """Gets one row of a table that has the columns `id` and `owner`.

    Raises:
        NotFound: The owner has no row with this id.
    """
    return _fetch(connection, table, _select(table, owner, identifier), identifier)


def lock_row(connection: Connection, table: Table, owner: str, identifier: str) -> Row[Any]:
    """Gets a row that no other transaction changes, deletes or keeps until this one ends.

    It waits for the transactions that keep the row. A later statement therefore sees the jobs that
    they have inserted. SQLite has one writer at a time, and needs no lock of a row.

    Raises:
        NotFound: The owner has no row with this id.
    """
    query = _select(table, owner, identifier).with_for_update()
    return _fetch(connection, table, query, identifier)


def keep_row(connection: Connection, table: Table, owner: str, identifier: str) -> None:
    """Keeps a row from being deleted until the transaction ends.

    Any number of transactions may keep a row at the same time. It waits for one that locks it.

    Raises:
        NotFound: The owner has no row with this id.
    """
    query = _select(table, owner, identifier).with_only_columns(table.c.id)
    _fetch(connection, table, query.with_for_update(read=True, key_share=True), identifier)


def _select(table: Table, owner: str, identifier: str) -> Select[Any]:
    return select(table).where(table.c.owner == owner, table.c.id == identifier)


def _fetch(connection: Connection, table: Table, query: Select[Any], identifier: str) -> Row[Any]:
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(table.name.removesuffix("s"), identifier)
    return row
