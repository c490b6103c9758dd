"""Clients of a service with API keys."""

from contextlib import closing
from typing import NamedTuple

import httpx

from models_store.records import keys
from tests.support.api_server import Server


class Caller(NamedTuple):
    """Somebody with a key."""

    key_id: str
    secret: str
    client: httpx.Client


def caller(server: Server, owner: str) -> Caller:
    """With a key of its own, made a moment ago."""
    with server.parts.database.write() as connection:
        key, secret = keys.create(connection, owner, "")
    headers = {"Authorization": f"Bearer {secret}"}
    client = httpx.Client(base_url=server.address, timeout=60, headers=headers)
    return Caller(key.id, secret, client)


def revoke(server: Server, key_id: str) -> None:
    """As `graphfit keys revoke` does."""
    with server.parts.database.write() as connection:
        keys.revoke(connection, key_id)


def alone(server: Server, owner: str) -> "closing[httpx.Client]":
    """A client for one `with`."""
    return closing(caller(server, owner).client)
