"""The meaning of errors of PostgreSQL and of its driver."""

import psycopg
from psycopg import errors

ABSENT = (errors.UndefinedTable, errors.InvalidCatalogName)
"""Errors of a database that is not restored or not migrated yet."""
UNAVAILABLE = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)
"""Errors of a server that is down, starting, stopping, overloaded or read-only, and deadlocks."""


def is_unavailable(cause: BaseException | None) -> bool:
    """Returns whether the server is at fault, not the statement."""
    if isinstance(cause, errors.InFailedSqlTransaction):
        return False
    return isinstance(cause, UNAVAILABLE + ABSENT)


def is_full(cause: BaseException | None) -> bool:
    """Returns whether the disk of the server is full."""
    return isinstance(cause, errors.DiskFull)
