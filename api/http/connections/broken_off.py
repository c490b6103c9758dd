"""Breaks off a response that has begun and cannot be completed."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import Scope, Send

from api.http.connections.disconnect import CLOSED
from api.http.watched_send import WatchedSend
from domain.errors import GraphfitError

ABORT = "connection_abort"
"""ASGI scope key of a function that closes the connection without the rest of the response."""
log = logging.getLogger(__name__)


@asynccontextmanager
async def broken_off(scope: Scope, send: Send) -> AsyncIterator[Send]:
    """Yields `send`; an error after the status was sent closes the connection, and is logged.

    The client sees that the body is incomplete: its last chunk, or bytes of its Content-Length, are
    missing. The records of a response may be deleted while it is sent, so this is no fault of the
    service.

    Args:
        scope: The ASGI scope of the request.
        send: Sends the messages of the response.

    Raises:
        GraphfitError: Nothing was sent before the error.
    """
    watched = WatchedSend(send)
    try:
        yield watched
    except GraphfitError as error:
        if not watched.has_begun:
            raise
        log.warning("broke off the response of %s: %s", scope["path"], error)
        await _close(scope)


async def _close(scope: Scope) -> None:
    """Closes the connection, and waits until it is closed.

    A server that offers no way to do so closes it when the application returns.
    """
    if ABORT in scope:
        scope[ABORT]()
        await asyncio.wait([scope[CLOSED]])
