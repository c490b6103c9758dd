"""Answers 503 to requests that shutdown cuts off."""

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.watched_send import WatchedSend
from api.problems.handlers import make_error_response
from domain.errors import Busy


class ShutdownResponder:
    """ASGI middleware: sends 503 when uvicorn cancels a request; by itself it would send 500."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        watched = WatchedSend(send)
        try:
            await self.app(scope, receive, watched)
        except asyncio.CancelledError:
            if watched.has_begun or scope["type"] != "http":
                raise
            stopping = Busy("This server is stopping; send the request again.", retry_after=1)
            await make_error_response(stopping, scope)(scope, receive, send)
