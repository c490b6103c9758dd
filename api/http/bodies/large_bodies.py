"""Lets few large bodies of one owner be in memory at the same time."""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request
from starlette.types import Message, Receive

MOST_LARGE_BODIES = 2
"""The largest number of requests of one owner with large bodies that are read and handled at the
same time."""
START_BYTES = 64 * 2**10
"""The part of a body without Content-Length that is read to see whether the body is large."""


@asynccontextmanager
async def take_turn_if_large(request: Request, quick_bytes: int) -> AsyncIterator[Receive]:
    """Waits for a turn before a large body is read; the turn ends with the block.

    Yields the function that receives the body.

    Args:
        request: The request.
        quick_bytes: The largest body with Content-Length that needs no turn.

    Raises:
        Busy: The wait was too long, or too many requests of the owner are waiting.
        ClientDisconnect: The client has closed the connection meanwhile.
    """
    services = getattr(request.app.state, "services", None)
    receive, is_small = request.receive, True
    if "transfer-encoding" in request.headers:
        receive, is_small = await _receive_start(request.receive)
    else:
        length = request.headers.get("content-length", "0")
        is_small = length.isdigit() and int(length) <= quick_bytes
    if services is None or is_small:
        yield receive
        return
    async with services.large_turns.take(request.scope["principal"].owner, request.scope):
        yield receive


async def _receive_start(receive: Receive) -> tuple[Receive, bool]:
    """Receives the start of a body.

    Returns:
        A function that receives the body from its start, and whether the start is all of it.
    """
    messages: deque[Message] = deque()
    size, has_more = 0, True
    while has_more and size <= START_BYTES:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        has_more = message.get("more_body", False)

    async def receive_again() -> Message:
        return messages.popleft() if messages else await receive()

    return receive_again, not has_more
