"""API keys in the database."""

import re

import pytest
from sqlalchemy import select

from domain.errors import NotFound
from domain.key import SECRET
from models_store.database import tables
from models_store.database.engine import Database
from models_store.records import keys


def test_a_secret_is_valid_until_its_key_is_revoked(database: Database) -> None:
    with database.write() as connection:
        ada, secret = keys.create(connection, "ada", "laptop")
        bob, other = keys.create(connection, "bob@example.org", "")
    with database.read() as connection:
        assert keys.get_owners(connection) == {
            keys.hash_secret(secret): "ada",
            keys.hash_secret(other): "bob@example.org",
        }
    with database.write() as connection:
        first = keys.revoke(connection, ada.id)
        again = keys.revoke(connection, ada.id)
    assert first.revoked_at is not None
    assert again == first
    with database.read() as connection:
        assert keys.get_owners(connection) == {keys.hash_secret(other): "bob@example.org"}
        assert keys.get_all(connection) == [first, bob]


def test_only_the_hash_of_a_secret_is_stored(database: Database) -> None:
    with database.write() as connection:
        key, secret = keys.create(connection, "ada", "laptop")
    assert re.fullmatch(SECRET, secret)
    random = secret.removeprefix(f"gf_{key.id.removeprefix('key_')}_")
    assert len(random) < len(secret) - 26
    with database.read() as connection:
        (row,) = connection.execute(select(tables.keys))
    assert not any(random in str(value) for value in row)


def test_secrets_are_unique(database: Database) -> None:
    with database.write() as connection:
        secrets = {keys.create(connection, "ada", "")[1] for _ in range(20)}
    assert len({secret.split("_", 2)[2] for secret in secrets}) == 20


def test_an_unknown_key_cannot_be_revoked(database: Database) -> None:
    with pytest.raises(NotFound), database.write() as connection:
        keys.revoke(connection, f"key_{'0' * 26}")
