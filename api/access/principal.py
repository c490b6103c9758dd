"""The principal of a request: the owner that it acts for, and the API key that proves it."""

from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import Depends, Request

from domain.key import LOCAL_OWNER

SCOPE = "principal"
"""ASGI scope key; set only by the access middleware."""


class KeyDirectory(Protocol):
    """Finds the owners of API keys."""

    async def find_owner(self, digest: str) -> str | None:
        """Returns the owner of the key with this digest; None if it is unknown or revoked."""
        ...


@dataclass(frozen=True, slots=True)
class Principal:
    """The owner whose resources a request reads and writes, and the key that it was sent with."""

    owner: str
    key_digest: str = ""
    """SHA-256 of the key's secret, in hexadecimal; empty where the service needs no keys."""
    directory: KeyDirectory | None = None

    async def is_valid(self) -> bool:
        """Returns whether the key still belongs to the owner; a stream asks again.

        Raises:
            Busy: the database does not answer.
        """
        if self.directory is None:
            return True
        return await self.directory.find_owner(self.key_digest) == self.owner


LOCAL = Principal(LOCAL_OWNER)
"""The principal of every request to a service without keys."""


async def get_principal(request: Request) -> Principal:
    """Returns the principal that the access middleware found.

    Raises:
        KeyError: no access middleware has handled the request.
    """
    principal: Principal = request.scope[SCOPE]
    return principal


CurrentPrincipal = Annotated[Principal, Depends(get_principal)]
