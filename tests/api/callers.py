"""Clients of a service with API keys."""

from contextlib import closing
from typing import NamedTuple

import httpx

from models_store.records import keys
from tests.support.api_server import Server


class Caller(NamedTuple):
    """A client with its API key."""

    key_id: str
    secret: str
    client: httpx.Client


def caller(server: Server, owner: str) -> Caller:
    """Creates a key of the owner, and returns a client that sends it."""
    with server.parts.database.write() as connection:
        key, secret = keys.create(connection, owner, "")
    headers = {"Authorization": f"Bearer {secret}"}
    client = httpx.Client(base_url=server.address, timeout=60, headers=headers)
    return Caller(key.id, secret, client)


def revoke(server: Server, key_id: str) -> None:
    """Revokes a key, as `graphfit keys revoke` does."""
    with server.parts.database.write() as connection:
        keys.revoke(connection, key_id)


def alone(server: Server, owner: str) -> "closing[httpx.Client]":
    """Returns a context manager of a client with a new key."""
    return closing(caller(server, owner).client)
