"""API keys: of each secret only its hash is kept."""

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from domain.errors import NotFound
from domain.key import Key
from models_store.database.tables import keys
from models_store.ids import new_id

SECRET_BYTES = 32


def digest_of(secret: str) -> str:
    """The sha256 by which a secret is found; it has too many bits to need a slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create(connection: Connection, owner: str, name: str) -> tuple[Key, str]:
    """Keeps a new key, and gives it with its secret, which nothing can give again."""
    key = Key(
        id=new_id("key"), owner=owner, name=name, created_at=datetime.now(UTC), revoked_at=None
    )
    secret = f"gf_{key.id.removeprefix('key_')}_{secrets.token_urlsafe(SECRET_BYTES)}"
    values = {**key.model_dump(), "sha256": digest_of(secret)}
    connection.execute(insert(keys).values(values))
    return key, secret


def every(connection: Connection) -> list[Key]:
    """All keys of all owners, oldest first."""
    return [_key(row) for row in connection.execute(select(keys).order_by(keys.c.id))]


def owners(connection: Connection) -> dict[str, str]:
    """Whom each key lets in that is not revoked, by its secret's hash."""
    query = select(keys.c.sha256, keys.c.owner).where(keys.c.revoked_at.is_(None))
    return {row.sha256: row.owner for row in connection.execute(query)}


def revoke(connection: Connection, key_id: str) -> Key:
    """Ends a key, and gives it; one that was revoked stays as it is.

    Raises:
        NotFound: there is none of this id.
    """
    connection.execute(
        update(keys)
        .where(keys.c.id == key_id, keys.c.revoked_at.is_(None))
        .values(revoked_at=datetime.now(UTC))
    )
    row = connection.execute(select(keys).where(keys.c.id == key_id)).one_or_none()
    if row is None:
        raise NotFound("key", key_id)
    return _key(row)


def _key(row: Row[Any]) -> Key:
    return Key(
        id=row.id,
        owner=row.owner,
        name=row.name,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )
