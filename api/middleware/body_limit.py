"""Rejects bodies over the limit: by their Content-Length before a byte is read."""

from collections.abc import Iterable

from starlette.requests import Request
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.route_options import get_route_options
from api.problems.types import TOO_LARGE, make_problem_response
from api.settings import Settings
from domain.errors import TooLarge


class BodyLimit:
    """ASGI middleware: MAX_UPLOAD_BYTES for routes that take uploads, else MAX_JSON_BYTES."""

    def __init__(self, app: ASGIApp, settings: Settings, routes: Iterable[BaseRoute]) -> None:
        self.app = app
        self._json_bytes = settings.max_json_bytes
        self._upload_bytes = settings.max_upload_bytes
        self._upload_paths = [
            route.path_regex
            for route in routes
            if isinstance(route, Route) and get_route_options(route).takes_upload
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "DELETE", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        limit, name = self._limit_of(scope["path"])
        detail = f"A body holds at most {limit} bytes here ({name})."
        length = Request(scope).headers.get("content-length", "")
        if length.isdigit() and int(length) > limit:
            refusal = make_problem_response(
                TOO_LARGE, detail, scope["path"], headers={"Connection": "close"}
            )
            await refusal(scope, receive, send)
            return
        await self.app(scope, _counting(receive, limit, detail), send)

    def _limit_of(self, path: str) -> tuple[int, str]:
        """The most bytes of a body, and the setting's name."""
        if any(pattern.match(path) for pattern in self._upload_paths):
            return self._upload_bytes, "MAX_UPLOAD_BYTES"
        return self._json_bytes, "MAX_JSON_BYTES"


def _counting(receive: Receive, limit: int, detail: str) -> Receive:
    """The same stream, which raises TooLarge over the limit: a chunked body has no length."""
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > limit:
            raise TooLarge(detail)
        return message

    return counted
