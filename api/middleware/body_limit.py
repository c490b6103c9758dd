"""Rejects bodies over the limit: by their Content-Length before a byte is read."""

from collections.abc import Iterable

from starlette.requests import Request
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.route_options import get_route_options, select_routes
from api.problems.types import TOO_LARGE, make_problem_response
from api.settings import Settings
from domain.errors import TooLarge


class BodyLimit:
    """ASGI middleware: limits a body by MAX_UPLOAD_BYTES, MAX_JSON_BYTES or MAX_DEFINITION_BYTES.

    The options of the route tell which of them.
    """

    def __init__(self, app: ASGIApp, settings: Settings, routes: Iterable[BaseRoute]) -> None:
        self.app = app
        self._others = (settings.max_definition_bytes, "MAX_DEFINITION_BYTES")
        uploads = (settings.max_upload_bytes, "MAX_UPLOAD_BYTES")
        data = (settings.max_json_bytes, "MAX_JSON_BYTES")
        limited = select_routes(routes, lambda o: o.takes_upload or o.takes_data)
        self._limits = [
            (route.path_regex, uploads if get_route_options(route).takes_upload else data)
            for route in limited
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "DELETE", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        limit, name = self._get_limit(scope["path"])
        detail = f"The body of this request may have at most {limit} bytes ({name})."
        length = Request(scope).headers.get("content-length", "")
        if length.isdigit() and int(length) > limit:
            rejection = make_problem_response(
                TOO_LARGE, detail, scope, headers={"Connection": "close"}
            )
            await rejection(scope, receive, send)
            return
        await self.app(scope, _limit_stream(receive, limit, detail), send)

    def _get_limit(self, path: str) -> tuple[int, str]:
        """Returns the largest number of bytes of a body, and the name of the setting."""
        for pattern, limit in self._limits:
            if pattern.match(path):
                return limit
        return self._others


def _limit_stream(receive: Receive, limit: int, detail: str) -> Receive:
    """Returns `receive` with a check of the limit, since a chunked body has no Content-Length.

    The returned function raises TooLarge over the limit.
    """
    total = 0

    async def receive_and_count() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > limit:
            raise TooLarge(detail)
        return message

    return receive_and_count
