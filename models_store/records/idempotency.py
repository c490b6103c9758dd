"""Answers kept by `Idempotency-Key`: a leased reservation first, then the answer."""

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
    """Within which a key is unique."""

    owner: str
    method: str
    path: str
    key: str


@dataclass(frozen=True)
class Reservation:
    """The right to answer a key; void once its lease has run out and another took it."""

    scope: Scope
    token: str


@dataclass(frozen=True)
class Answer:
    """A first answer, given again."""

    status: int
    headers: dict[str, str]
    body: bytes
    fingerprint: str


def reserve(connection: Connection, scope: Scope) -> Reservation | Answer:
    """The key's answer, or the right to make it.

    Raises:
        Conflict: a request with this key is in progress.
    """
    row = connection.execute(select(idempotency).where(*_is(scope))).one_or_none()
    if row is not None and row.status is not None:
        return Answer(row.status, row.headers, row.body, row.fingerprint)
    if row is not None:
        _free_if_stale(connection, scope)
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


def _free_if_stale(connection: Connection, scope: Scope) -> None:
    stale = delete(idempotency).where(
        *_is(scope), idempotency.c.status.is_(None), idempotency.c.lease_until < database_clock()
    )
    if connection.execute(stale).rowcount == 0:
        raise _in_progress()


def _in_progress() -> Conflict:
    detail = "A request with this Idempotency-Key is in progress, or was when the server went "
    detail += f"away; the key is free again after {RESERVED_SECONDS:.0f} seconds at most."
    return Conflict(detail, retry_after=5)


def _is(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    table = idempotency.c
    return (
        table.owner == scope.owner,
        table.method == scope.method,
        table.path == scope.path,
        table.key == scope.key,
    )


def complete(connection: Connection, reservation: Reservation, answer: Answer) -> None:
    """Keeps the answer, in the transaction that keeps what was created.

    Raises:
        Conflict: the reservation ran out and another request took the key.
    """
    statement = (
        update(idempotency)
        .where(*_is(reservation.scope), idempotency.c.token == reservation.token)
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
    """Frees a key whose request was refused: nothing was created."""
    connection.execute(
        delete(idempotency).where(
            *_is(reservation.scope),
            idempotency.c.token == reservation.token,
            idempotency.c.status.is_(None),
        )
    )


def check_same(answer: Answer, fingerprint: str) -> None:
    """Nothing, when the repeated request is the first one again.

    Raises:
        Invalid: it has another body.
    """
    if answer.fingerprint != fingerprint:
        detail = "This Idempotency-Key came with another body before; use a new key."
        raise Invalid([Fault(pointer="", detail=detail)])


def forget_old(connection: Connection, hours: float) -> None:
    """Drops what is older than the promise."""
    old = database_clock() - hours * 3600
    connection.execute(delete(idempotency).where(idempotency.c.created < old))
