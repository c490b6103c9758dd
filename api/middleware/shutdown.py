"""Tells those whose requests a server that stops gives up that they may ask again."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems.handlers import spoken
from domain.errors import Busy


class Farewell:
    """503 where uvicorn, out of patience with a request, would say 500."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, sent)
        except asyncio.CancelledError:
            if begun or scope["type"] != "http":
                raise
            stopping = Busy("This server is stopping; ask again.", retry_after=1)
            await spoken(stopping, scope["path"])(scope, receive, send)
