"""An unavailable or overloaded database raises Busy; the connection recovers by itself."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from domain.errors import Busy, StorageFull
from models_store.database import engine as database_module
from models_store.database import postgresql as postgresql_module
from models_store.database.bounds import Bounds
from models_store.database.engine import Database
from models_store.database.migrate import migrate
from tests.support.servers.postgresql import Mode, PostgreSql
from tests.support.servers.proxy import Proxy
from tests.support.service import until

Opened = Callable[..., Database]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSql]:
    """A server that a test may stop."""
    running = PostgreSql()
    yield running
    running.close()


@pytest.fixture
def opened(server: PostgreSql) -> Iterator[Opened]:
    databases: list[Database] = []

    def opened(url: str | None = None, **bounds: object) -> Database:
        databases.append(Database(url or server.url, Bounds(**bounds)))  # type: ignore[arg-type]
        return databases[-1]

    yield opened
    for database in databases:
        database.close()


def answers(database: Database) -> bool:
    with database.read() as connection:
        return bool(connection.execute(text("SELECT 1")).scalar_one() == 1)


def run(connection: Connection, statement: str) -> None:
    connection.execute(text(statement))


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_stopped_server_is_busy_until_it_starts_again(
    server: PostgreSql, opened: Opened, mode: Mode
) -> None:
    database = opened()
    assert answers(database)
    server.stop(mode)
    try:
        for _ in range(3):
            with pytest.raises(Busy, match=r"^The database does not answer just now\.$") as caught:
                answers(database)
            assert caught.value.retry_after == 2
    finally:
        server.start()
    assert answers(database)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_an_interrupted_transaction_is_rolled_back(
    server: PostgreSql, opened: Opened, mode: Mode
) -> None:
    database = opened(server.new_database())
    with database.write() as connection:
        run(connection, "CREATE TABLE things (id integer)")

    def insert() -> None:
        with database.write() as connection:
            run(connection, "INSERT INTO things VALUES (1)")
            server.stop(mode)
            try:
                run(connection, "INSERT INTO things VALUES (2)")
            finally:
                server.start()

    with pytest.raises(Busy):
        insert()
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM things")).scalar_one() == 0


def test_the_connection_limit_of_the_server_is_busy(server: PostgreSql, opened: Opened) -> None:
    with opened().write() as connection:
        run(connection, "CREATE ROLE crowded LOGIN CONNECTION LIMIT 1")
    database = opened(server.url.replace("postgres:@", "crowded:@"))
    with database.read() as connection:
        run(connection, "SELECT 1")
        with pytest.raises(Busy):
            answers(database)
    assert answers(database)


def test_the_connection_limit_of_the_process_is_busy(opened: Opened) -> None:
    database = opened(connections=1, seconds=0.2)
    with database.read(), pytest.raises(Busy):
        answers(database)
    assert answers(database)


def test_a_slow_statement_is_cancelled(opened: Opened) -> None:
    database = opened(seconds=0.2)
    with pytest.raises(Busy), database.read() as connection:
        run(connection, "SELECT pg_sleep(60)")
    assert answers(database)


def test_a_migration_has_no_timeouts(opened: Opened) -> None:
    with opened(seconds=None).read() as connection:
        bounds = [
            connection.execute(text(f"SHOW {name}")).scalar_one()
            for name in ("statement_timeout", "idle_in_transaction_session_timeout")
        ]
    assert bounds == ["0", "0"]


@pytest.fixture
def proxied(server: PostgreSql, opened: Opened) -> Iterator[tuple[Proxy, Database]]:
    proxy, url = server.proxied(server.url)
    yield proxy, opened(url, connections=2, seconds=1)
    proxy.close()


def test_a_hanging_server_is_busy(
    proxied: tuple[Proxy, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, database = proxied
    monkeypatch.setattr(postgresql_module, "IDLE_SECONDS", 0.5)
    monkeypatch.setattr(postgresql_module, "CONNECT_SECONDS", 2)
    assert answers(database)
    proxy.hang()
    with pytest.raises(Busy):  # the pooled connection, and then a new one
        answers(database)
    proxy.mend()
    assert answers(database)


def test_a_commit_without_an_answer_is_busy(proxied: tuple[Proxy, Database]) -> None:
    proxy, database = proxied
    with database.write() as connection:
        run(connection, "CREATE TABLE commits (id integer)")

    def insert() -> None:
        with database.write() as connection:
            run(connection, "INSERT INTO commits VALUES (1)")
            proxy.cut_after(1)

    with pytest.raises(Busy):
        insert()
    proxy.mend()
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM commits")).scalar_one() == 1


def test_an_idle_transaction_does_not_block_others(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_module, "IDLE_SECONDS", 0.3)
    idle, other = opened(), opened()
    with other.write() as connection:
        run(connection, "CREATE TABLE locked (id integer)")
        run(connection, "INSERT INTO locked VALUES (1)")

    def wait() -> None:
        with idle.write() as connection:
            run(connection, "UPDATE locked SET id = 2")
            with other.write() as second:
                run(second, "UPDATE locked SET id = 3")
            run(connection, "SELECT 1")

    with pytest.raises(Busy):
        wait()
    with other.read() as connection:
        assert connection.execute(text("SELECT id FROM locked")).scalar_one() == 3


def test_a_deadlock_is_broken(opened: Opened) -> None:
    database = opened(connections=3)
    with database.write() as connection:
        run(connection, "CREATE TABLE pairs (id integer, value integer)")
        run(connection, "INSERT INTO pairs VALUES (1, 0), (2, 0)")
    both, ends = threading.Barrier(2), []

    def lock(first: int, second: int) -> None:
        try:
            with database.write() as connection:
                run(connection, f"UPDATE pairs SET value = value + 1 WHERE id = {first}")
                both.wait()
                run(connection, f"UPDATE pairs SET value = value + 1 WHERE id = {second}")
            ends.append("committed")
        except Busy:
            ends.append("busy")

    threads = [threading.Thread(target=lock, args=order) for order in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["busy", "committed"]


@pytest.mark.parametrize(
    ("code", "meaning"),
    [("53100", StorageFull), ("57P03", Busy), ("25006", Busy), ("40001", Busy), ("58030", Busy)],
)
def test_error_codes_of_the_server_have_their_exception(
    opened: Opened, code: str, meaning: type[Exception]
) -> None:
    """53100 is a full disk."""
    statement = f"DO $$ BEGIN RAISE EXCEPTION 'secret' USING ERRCODE = '{code}'; END $$"
    with pytest.raises(meaning) as caught, opened().write() as connection:
        run(connection, statement)
    assert "secret" not in str(caught.value)


def test_a_missing_or_empty_database_is_busy(
    server: PostgreSql, opened: Opened, tmp_path: Path
) -> None:
    empty = f"sqlite:///{tmp_path / 'empty.sqlite'}"
    for url in (server.url.replace("/postgres?", "/nowhere?"), server.new_database(), empty):
        with pytest.raises(Busy), opened(url).read() as connection:
            run(connection, "SELECT * FROM jobs")


def test_programming_errors_are_not_busy(opened: Opened) -> None:
    database = opened()
    with pytest.raises(ProgrammingError), database.read() as connection:
        run(connection, "SELEKT 1")
    with database.write() as connection:
        run(connection, "CREATE TABLE unique_things (id integer PRIMARY KEY)")
    with pytest.raises(IntegrityError), database.write() as connection:
        run(connection, "INSERT INTO unique_things VALUES (1), (1)")
    assert answers(database)


def test_a_locked_sqlite_database_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "BUSY_MILLISECONDS", 100)
    databases = [Database(f"sqlite:///{tmp_path / 'x.sqlite'}") for _ in range(2)]
    migrate(databases[0])
    with databases[0].write(), pytest.raises(Busy), databases[1].write():
        pass
    until(lambda: answers(databases[1]) or None, "an answer")
