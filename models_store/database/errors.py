"""What the database's errors mean, in the words of `domain.errors`."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from domain.errors import Busy, GraphfitError, StorageFull

log = logging.getLogger(__name__)
RETRY_AFTER = 2
FULL = ("is full", "disk I/O error", "No space left")
ABSENT = (errors.UndefinedTable, errors.InvalidCatalogName)
"""Not restored or not migrated yet."""
AWAY = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)
"""Not there, ending, starting, overtaxed, read-only, silent, or it broke a deadlock."""


@contextmanager
def spoken() -> Iterator[None]:
    """Within, what clients are told of the database's trouble; the log tells the rest.

    Raises:
        Busy: it does not answer, or has no answer now; the same may succeed later.
        StorageFull: its disk is full.
    """
    try:
        yield
    except (DBAPIError, NoConnectionLeft) as error:
        meaning = _meaning_of(error)
        if meaning is None:
            raise
        cause = getattr(error, "orig", None) or error
        log.warning("the database: %s", str(cause).strip().partition("\n")[0])
        raise meaning from error


def _meaning_of(error: DBAPIError | NoConnectionLeft) -> GraphfitError | None:
    """None for a mistake of ours."""
    away = Busy("The database does not answer just now.", retry_after=RETRY_AFTER)
    if isinstance(error, NoConnectionLeft):
        return away
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        is_ours = not _is_sqlites(cause)
    else:
        is_ours = not isinstance(cause, AWAY + ABSENT)
    if is_ours or isinstance(cause, errors.InFailedSqlTransaction):
        return None
    full = isinstance(cause, errors.DiskFull) or any(words in str(cause) for words in FULL)
    return StorageFull() if full else away


def _is_sqlites(cause: sqlite3.Error) -> bool:
    """Whether it is the file's trouble: SQLITE_ERROR is what it calls a mistake in a statement."""
    is_mistake = getattr(cause, "sqlite_errorcode", None) in (None, sqlite3.SQLITE_ERROR)
    absent = "no such table" in str(cause)
    return isinstance(cause, sqlite3.OperationalError) and (absent or not is_mistake)
