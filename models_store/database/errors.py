"""Translates errors of the database into those of `domain.errors`."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from domain.errors import Busy, GraphfitError, StorageFull

log = logging.getLogger(__name__)
RETRY_AFTER = 2
FULL = ("is full", "disk I/O error", "No space left")


@contextmanager
def translate_errors() -> Iterator[None]:
    """Translates database errors inside the block, and logs the original message.

    Raises:
        Busy: The database does not answer, or cannot run the statement now; a retry may succeed.
        StorageFull: The disk of the database is full.
    """
    try:
        yield
    except (DBAPIError, NoConnectionLeft) as error:
        meaning = _meaning_of(error)
        if meaning is None:
            raise
        cause = getattr(error, "orig", None) or error
        log.warning("database error: %s", str(cause).strip().partition("\n")[0])
        raise meaning from error


def _meaning_of(error: DBAPIError | NoConnectionLeft) -> GraphfitError | None:
    """The error to raise; None for an error of our own code."""
    busy = Busy("The database does not answer just now.", retry_after=RETRY_AFTER)
    if isinstance(error, NoConnectionLeft):
        return busy
    if isinstance(error.orig, sqlite3.Error):
        is_known, is_full = _is_file_error(error.orig), False
    else:
        # psycopg loads slowly, and SQLite does not need it
        from models_store.database import postgresql_errors  # noqa: PLC0415

        is_known = postgresql_errors.is_unavailable(error.orig)
        is_full = postgresql_errors.is_full(error.orig)
    if not is_known:
        return None
    return StorageFull() if is_full or any(words in str(error.orig) for words in FULL) else busy


def _is_file_error(cause: sqlite3.Error) -> bool:
    """Whether the cause lies in the database file; SQLITE_ERROR means a wrong statement."""
    is_mistake = getattr(cause, "sqlite_errorcode", None) in (None, sqlite3.SQLITE_ERROR)
    absent = "no such table" in str(cause)
    return isinstance(cause, sqlite3.OperationalError) and (absent or not is_mistake)
