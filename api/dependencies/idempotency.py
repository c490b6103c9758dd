"""`Idempotency-Key`: a repeated request creates nothing and gets the first response again."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response
from sqlalchemy import Connection

from api.access.principal import CurrentPrincipal
from api.dependencies.parameters import IdempotencyKey, Parts
from domain.errors import Fault, Invalid
from models_store.database.engine import Database
from models_store.records import idempotency
from models_store.records.idempotency import Answer, Reservation, Scope

StoreResponse = Callable[[Connection, Response], None]
"""Stores the response in the transaction that stores the created resource."""


@dataclass(frozen=True)
class IdempotentRequest:
    """A request that creates a resource once, even if it is sent several times."""

    database: Database
    scope: Scope | None
    query: str

    def reserve(self) -> Reservation | Answer | None:
        """Returns the stored response, or reserves the key; None if the request has no key.

        Raises:
            Conflict: The same request is in progress.
        """
        if self.scope is None:
            return None
        with self.database.write() as connection:
            return idempotency.reserve(connection, self.scope)

    def replay(self, answer: Answer, body_sha256: str) -> Response:
        """Returns the stored response.

        Raises:
            Invalid: The key was used for another request.
        """
        idempotency.check_fingerprint(answer, self._compute_fingerprint(body_sha256))
        return Response(answer.body, answer.status, answer.headers)

    @contextmanager
    def storing(self, reservation: Reservation | None, body_sha256: str) -> Iterator[StoreResponse]:
        """Yields the function that stores the response; an exception inside frees the key."""

        def store_response(connection: Connection, response: Response) -> None:
            if reservation is not None:
                idempotency.complete(
                    connection, reservation, self._make_answer(response, body_sha256)
                )

        try:
            yield store_response
        except BaseException:
            self.release(reservation)
            raise

    def release(self, reservation: Reservation | None) -> None:
        """Frees the key of a request that created nothing."""
        if reservation is not None:
            with self.database.write() as connection:
                idempotency.release(connection, reservation)

    def run(self, body: bytes, make: Callable[[StoreResponse], Response]) -> Response:
        """Returns the stored response, or calls `make`, which must store its response.

        Args:
            body: The body of the request.
            make: Creates the resource and calls its argument once.
        """
        sha256 = hashlib.sha256(body).hexdigest()
        reserved = self.reserve()
        if isinstance(reserved, Answer):
            return self.replay(reserved, sha256)
        with self.storing(reserved, sha256) as store_response:
            return make(store_response)

    def _make_answer(self, response: Response, body_sha256: str) -> Answer:
        headers = {name: text for name, text in response.headers.items() if name in _KEPT_HEADERS}
        fingerprint = self._compute_fingerprint(body_sha256)
        return Answer(response.status_code, headers, bytes(response.body), fingerprint)

    def _compute_fingerprint(self, body_sha256: str) -> str:
        return hashlib.sha256(f"{self.query}\n{body_sha256}".encode()).hexdigest()


_KEPT_HEADERS = frozenset({"content-type", "location", "retry-after"})


async def get_idempotent_request(
    request: Request, parts: Parts, principal: CurrentPrincipal, key: IdempotencyKey = None
) -> IdempotentRequest:
    """Returns the request with its `Idempotency-Key`, if it has one.

    Raises:
        Invalid: The request has several keys.
    """
    if len(request.headers.getlist("idempotency-key")) > 1:
        raise Invalid([Fault(pointer="", detail="`Idempotency-Key` is given more than once.")])
    scope = Scope(principal.owner, request.method, request.url.path, key) if key else None
    return IdempotentRequest(parts.database, scope, request.url.query)


Idempotency = Annotated[IdempotentRequest, Depends(get_idempotent_request)]
