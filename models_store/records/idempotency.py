"""Stored answers by `Idempotency-Key`: first a reservation with a lease, then the answer."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from domain.errors import Conflict, Fault, Invalid
from models_store.database.tables import idempotency
from models_store.database.types import database_clock
from models_store.ids import new_id

RESERVED_SECONDS = 120.0


@dataclass(frozen=True)
class Scope:
    """The scope in which a key is unique, and the key."""

    owner: str
    method: str
    path: str
    key: str


@dataclass(frozen=True)
class Reservation:
    """The right to store the answer of a key; invalid once another request has taken the key."""

    scope: Scope
    token: str


@dataclass(frozen=True)
class Answer:
    """The answer of the first request."""

    status: int
    headers: dict[str, str]
    body: bytes
    fingerprint: str
    """The hash of the request."""


def reserve(connection: Connection, scope: Scope) -> Reservation | Answer:
    """Returns the answer of a key, or reserves the key.

    Raises:
        Conflict: A request with this key is in progress.
    """
    row = connection.execute(select(idempotency).where(*_matches(scope))).one_or_none()
    if row is not None and row.status is not None:
        return Answer(row.status, row.headers, row.body, row.fingerprint)
    if row is not None:
        _delete_if_expired(connection, scope)
    reservation = Reservation(scope, new_id("reservation"))
    values = {
        "owner": scope.owner,
        "method": scope.method,
        "path": scope.path,
        "key": scope.key,
        "token": reservation.token,
        "lease_until": database_clock() + RESERVED_SECONDS,
        "created": database_clock(),
    }
    try:
        connection.execute(insert(idempotency).values(values))
    except IntegrityError as error:
        raise _in_progress() from error
    return reservation


def _delete_if_expired(connection: Connection, scope: Scope) -> None:
    statement = delete(idempotency).where(
        *_matches(scope),
        idempotency.c.status.is_(None),
        idempotency.c.lease_until < database_clock(),
    )
    if connection.execute(statement).rowcount == 0:
        raise _in_progress()


def _in_progress() -> Conflict:
    detail = "A request with this Idempotency-Key is in progress, or its server has stopped. "
    detail += f"The key is free again after at most {RESERVED_SECONDS:.0f} seconds."
    return Conflict(detail, retry_after=5)


def _matches(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    table = idempotency.c
    return (
        table.owner == scope.owner,
        table.method == scope.method,
        table.path == scope.path,
        table.key == scope.key,
    )


def complete(connection: Connection, reservation: Reservation, answer: Answer) -> None:
    """Stores the answer, in the transaction that stores the created resource.

    Raises:
        Conflict: The lease has expired and another request has taken the key.
    """
    statement = (
        update(idempotency)
        .where(*_matches(reservation.scope), idempotency.c.token == reservation.token)
        .values(
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            fingerprint=answer.fingerprint,
        )
    )
    if connection.execute(statement).rowcount == 0:
        raise _in_progress()


def release(connection: Connection, reservation: Reservation) -> None:
    """Frees the key of a refused request, which created nothing."""
    connection.execute(
        delete(idempotency).where(
            *_matches(reservation.scope),
            idempotency.c.token == reservation.token,
            idempotency.c.status.is_(None),
        )
    )


def check_fingerprint(answer: Answer, fingerprint: str) -> None:
    """Checks that a repeated request equals the first one.

    Raises:
        Invalid: The requests differ.
    """
    if answer.fingerprint != fingerprint:
        detail = "An earlier request with this Idempotency-Key had another body; use a new key."
        raise Invalid([Fault(pointer="", detail=detail)])


def delete_old(connection: Connection, hours: float) -> None:
    """Deletes answers that are older than `hours`."""
    old = database_clock() - hours * 3600
    connection.execute(delete(idempotency).where(idempotency.c.created < old))
