"""Whom a request was let in as."""

from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import Depends, Request

from domain.key import LOCAL_OWNER

SCOPE = "admission"
"""Where a request's scope has it; nothing but the door puts it there."""


class KeyBook(Protocol):
    """Knows whom each key lets in."""

    async def owner_of(self, digest: str) -> str | None:
        """The owner of the key whose secret has this hash; None when it lets nobody in."""
        ...


@dataclass(frozen=True, slots=True)
class Admission:
    """The owner whose things a request sees and makes, and the key that says so."""

    owner: str
    digest: str = ""
    book: KeyBook | None = None

    async def holds(self) -> bool:
        """Whether it would still be given: a stream outlives the look at its key.

        Raises:
            Busy: the database does not answer.
        """
        return self.book is None or await self.book.owner_of(self.digest) == self.owner


LOCAL = Admission(LOCAL_OWNER)
"""Where there are no keys everything is one owner's."""


async def admission_of(request: Request) -> Admission:
    """The request's; what no door let in has none, and fails."""
    admission: Admission = request.scope[SCOPE]
    return admission


Admitted = Annotated[Admission, Depends(admission_of)]
