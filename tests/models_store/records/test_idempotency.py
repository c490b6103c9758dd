"""Stored answers by `Idempotency-Key`, on both databases."""

import pytest
from sqlalchemy import update

from domain.errors import Conflict, Invalid
from models_store.database.engine import Database
from models_store.database.tables import idempotency as table
from models_store.records import idempotency
from models_store.records.idempotency import Answer, Reservation, Scope

SCOPE = Scope("local", "POST", "/v1/jobs", "once")
ANSWER = Answer(201, {"location": "/v1/jobs/1"}, b"{}", "f" * 64)


def reserve(database: Database, scope: Scope = SCOPE) -> Reservation | Answer:
    with database.write() as connection:
        return idempotency.reserve(connection, scope)


def reserve_new(database: Database, scope: Scope = SCOPE) -> Reservation:
    reservation = reserve(database, scope)
    assert isinstance(reservation, Reservation)
    return reservation


def test_a_repeated_request_gets_the_first_answer(database: Database) -> None:
    first = reserve_new(database)
    with database.write() as connection:
        idempotency.complete(connection, first, ANSWER)
    assert reserve(database) == ANSWER


def test_a_request_in_progress_is_a_conflict_and_a_refused_one_frees_its_key(
    database: Database,
) -> None:
    first = reserve_new(database)
    with pytest.raises(Conflict):
        reserve(database)
    with database.write() as connection:
        idempotency.release(connection, first)
    reserve_new(database)


def test_keys_are_unique_by_owner_method_and_path(database: Database) -> None:
    reserve_new(database)
    reserve_new(database, Scope("somebody", "POST", "/v1/jobs", "once"))
    reserve_new(database, Scope("local", "POST", "/v1/graphs", "once"))


def test_an_expired_reservation_is_invalid(database: Database) -> None:
    first = reserve_new(database)
    with database.write() as connection:
        connection.execute(update(table).values(lease_until=0))
    second = reserve_new(database)
    with pytest.raises(Conflict), database.write() as connection:
        idempotency.complete(connection, first, ANSWER)
    with database.write() as connection:
        idempotency.complete(connection, second, ANSWER)


def test_another_body_is_refused() -> None:
    idempotency.check_fingerprint(ANSWER, "f" * 64)
    with pytest.raises(Invalid):
        idempotency.check_fingerprint(ANSWER, "0" * 64)


def test_old_answers_are_deleted(database: Database) -> None:
    first = reserve_new(database)
    with database.write() as connection:
        idempotency.complete(connection, first, ANSWER)
        idempotency.delete_old(connection, hours=24)
    assert reserve(database) == ANSWER
    with database.write() as connection:
        connection.execute(update(table).values(created=0))
        idempotency.delete_old(connection, hours=24)
    reserve_new(database)
