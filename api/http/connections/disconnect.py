"""Ends what a request waits for when its client closes the connection.

The requests of clients that have gone would otherwise fill the queues, and the limit of requests.
"""

import asyncio
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from starlette.requests import ClientDisconnect

CLOSED = "connection_closed"
"""ASGI scope key of a future that is done once the connection is closed."""


@contextmanager
def ended_by_disconnect(
    scope: MutableMapping[str, Any] | None, waiting: "asyncio.Future[Any]"
) -> Iterator[None]:
    """Cancels the future for which the block waits once the connection is closed.

    Args:
        scope: The ASGI scope of the request; None for work that belongs to no single request.
        waiting: The future.

    Raises:
        ClientDisconnect: The connection was closed.
    """
    closed = None if scope is None else scope.get(CLOSED)
    if closed is None:
        yield
        return

    def end(_: object) -> None:
        waiting.cancel()

    if closed.done():
        waiting.cancel()
    closed.add_done_callback(end)
    try:
        yield
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if closed.done() and task is not None and not task.cancelling():
            raise ClientDisconnect from None
        raise
    finally:
        closed.remove_done_callback(end)
