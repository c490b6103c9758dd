"""API keys; the database stores the hash of a secret, never the secret."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from domain.errors import NotFound
from domain.key import Key
from models_store.database.tables import keys
from models_store.ids import new_id

SECRET_BYTES = 32


def hash_secret(secret: str) -> str:
    """Returns the sha256 of a secret, which has too many random bits to need a slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create(connection: Connection, owner: str, name: str) -> tuple[Key, str]:
    """Inserts a new key. Returns it with its secret, which cannot be retrieved later."""
    (created,) = create_all(connection, [(owner, name)])
    return created


def create_all(connection: Connection, owners: Iterable[tuple[str, str]]) -> list[tuple[Key, str]]:
    """Inserts a new key for each owner and name. Returns the keys with their secrets."""
    created = [_make(owner, name) for owner, name in owners]
    values = [{**key.model_dump(), "sha256": hash_secret(secret)} for key, secret in created]
    if values:
        connection.execute(insert(keys), values)
    return created


def _make(owner: str, name: str) -> tuple[Key, str]:
    key = Key(
        id=new_id("key"), owner=owner, name=name, created_at=datetime.now(UTC), revoked_at=None
    )
    return key, f"gf_{key.id.removeprefix('key_')}_{secrets.token_urlsafe(SECRET_BYTES)}"


def get_all(connection: Connection) -> list[Key]:
    """Gets all keys of all owners, oldest first."""
    return [_convert_row(row) for row in connection.execute(select(keys).order_by(keys.c.id))]


def get_owners(connection: Connection) -> dict[str, str]:
    """Gets the owner of each key that is not revoked, by the hash of its secret."""
    query = select(keys.c.sha256, keys.c.owner).where(keys.c.revoked_at.is_(None))
    return {row.sha256: row.owner for row in connection.execute(query)}


def revoke(connection: Connection, key_id: str) -> Key:
    """Revokes a key and returns it; a key that is revoked already does not change.

    Raises:
        NotFound: There is no key with this id.
    """
    connection.execute(
        update(keys)
        .where(keys.c.id == key_id, keys.c.revoked_at.is_(None))
        .values(revoked_at=datetime.now(UTC))
    )
    row = connection.execute(select(keys).where(keys.c.id == key_id)).one_or_none()
    if row is None:
        raise NotFound("key", key_id)
    return _convert_row(row)


def _convert_row(row: Row[Any]) -> Key:
    return Key(
        id=row.id,
        owner=row.owner,
        name=row.name,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )
