"""The client of a connection: the owner of an API key, or an address and a time."""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

CLIENT = "connection_client"
"""ASGI scope key of the `Client` that sent a request."""
GROUP_SECONDS = 0.1
"""Connections of one address that are opened within this time are of one client."""
FindOwner = Callable[[str], str | None]
"""Returns the owner of an API key; None if the key is not known."""

_KEY = re.compile(rb"\r\nauthorization:[ \t]*bearer[ \t]+([^\r\n]+)", re.IGNORECASE)


class Client(NamedTuple):
    """A client, for turns between clients. It proves nothing about its access."""

    name: str
    """The owner of the key; without a key the address, which begins with a slash."""
    group: int = 0
    """The time at which a connection without a key was opened, in units of `GROUP_SECONDS`.

    All clients of a service without keys have one address. One of them that opens hundreds of
    connections opens them together, so that the others have other groups.
    """

    @property
    def key(self) -> str:
        """The client as one text."""
        return f"{self.name}/{self.group}"


def make_client(address: str, opened_at: float) -> Client:
    """Returns the client of a connection without a key.

    Args:
        address: The address of the other end.
        opened_at: The time at which the connection was opened, in seconds.
    """
    return Client(f"/{address}", int(opened_at / GROUP_SECONDS))


def find_key(head: bytes) -> str | None:
    """Returns the API key in the head of a request that is not parsed yet."""
    found = _KEY.findall(head)
    return found[0].strip().decode("latin-1") if len(found) == 1 else None


def get_key(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Returns the API key of parsed headers, whose names are in lower case."""
    given = [value for name, value in headers if name == b"authorization"]
    if len(given) != 1:
        return None
    scheme, _, secret = given[0].decode("latin-1").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None
