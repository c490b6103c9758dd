"""Answers kept by key, on both databases."""

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


def reserved(database: Database, scope: Scope = SCOPE) -> Reservation:
    reservation = reserve(database, scope)
    assert isinstance(reservation, Reservation)
    return reservation


def test_the_first_answer_is_given_again(database: Database) -> None:
    first = reserved(database)
    with database.write() as connection:
        idempotency.complete(connection, first, ANSWER)
    assert reserve(database) == ANSWER


def test_a_request_in_progress_is_a_conflict_and_one_refused_frees_its_key(
    database: Database,
) -> None:
    first = reserved(database)
    with pytest.raises(Conflict):
        reserve(database)
    with database.write() as connection:
        idempotency.release(connection, first)
    reserved(database)


def test_keys_are_unique_by_owner_method_and_path(database: Database) -> None:
    reserved(database)
    reserved(database, Scope("somebody", "POST", "/v1/jobs", "once"))
    reserved(database, Scope("local", "POST", "/v1/graphs", "once"))


def test_a_reservation_that_ran_out_is_void(database: Database) -> None:
    first = reserved(database)
    with database.write() as connection:
        connection.execute(update(table).values(lease_until=0))
    second = reserved(database)
    with pytest.raises(Conflict), database.write() as connection:
        idempotency.complete(connection, first, ANSWER)
    with database.write() as connection:
        idempotency.complete(connection, second, ANSWER)


def test_another_body_is_refused() -> None:
    idempotency.check_same(ANSWER, "f" * 64)
    with pytest.raises(Invalid):
        idempotency.check_same(ANSWER, "0" * 64)


def test_old_answers_are_forgotten(database: Database) -> None:
    first = reserved(database)
    with database.write() as connection:
        idempotency.complete(connection, first, ANSWER)
        idempotency.forget_old(connection, hours=24)
    assert reserve(database) == ANSWER
    with database.write() as connection:
        connection.execute(update(table).values(created=0))
        idempotency.forget_old(connection, hours=24)
    reserved(database)
