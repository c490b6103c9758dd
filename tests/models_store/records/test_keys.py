"""Keys as they are kept."""

import re

import pytest
from sqlalchemy import select

from domain.errors import NotFound
from domain.key import SECRET
from models_store.database import tables
from models_store.database.engine import Database
from models_store.records import keys


def test_a_secret_lets_its_owner_in_until_it_is_revoked(database: Database) -> None:
    with database.write() as connection:
        ada, secret = keys.create(connection, "ada", "laptop")
        bob, other = keys.create(connection, "bob@example.org", "")
    with database.read() as connection:
        assert keys.owners(connection) == {
            keys.digest_of(secret): "ada",
            keys.digest_of(other): "bob@example.org",
        }
    with database.write() as connection:
        first = keys.revoke(connection, ada.id)
        again = keys.revoke(connection, ada.id)
    assert first.revoked_at is not None
    assert again == first
    with database.read() as connection:
        assert keys.owners(connection) == {keys.digest_of(other): "bob@example.org"}
        assert keys.every(connection) == [first, bob]


def test_of_a_secret_only_its_hash_is_kept(database: Database) -> None:
    with database.write() as connection:
        key, secret = keys.create(connection, "ada", "laptop")
    assert re.fullmatch(SECRET, secret)
    random = secret.removeprefix(f"gf_{key.id.removeprefix('key_')}_")
    assert len(random) < len(secret) - 26
    with database.read() as connection:
        (row,) = connection.execute(select(tables.keys))
    assert not any(random in str(value) for value in row)


def test_no_two_secrets_are_alike(database: Database) -> None:
    with database.write() as connection:
        made = {keys.create(connection, "ada", "")[1] for _ in range(20)}
    assert len({secret.split("_", 2)[2] for secret in made}) == 20


def test_a_key_that_is_not_there_cannot_be_revoked(database: Database) -> None:
    with pytest.raises(NotFound), database.write() as connection:
        keys.revoke(connection, f"key_{'0' * 26}")
