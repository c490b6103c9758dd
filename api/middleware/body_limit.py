"""Refuses bodies over the limit: by their announced length before a byte is read."""

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems.types import TOO_LARGE, problem_response
from api.settings import Settings
from domain.errors import TooLarge

UPLOADS = "/v1/datasets"


class BodyLimit:
    """MAX_UPLOAD_BYTES for datasets, MAX_JSON_BYTES for all else."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.json_bytes = settings.max_json_bytes
        self.upload_bytes = settings.max_upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "DELETE", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        uploads = scope["path"] == UPLOADS
        limit = self.upload_bytes if uploads else self.json_bytes
        name = "MAX_UPLOAD_BYTES" if uploads else "MAX_JSON_BYTES"
        detail = f"A body holds at most {limit} bytes here ({name})."
        announced = Request(scope).headers.get("content-length", "")
        if announced.isdigit() and int(announced) > limit:
            refusal = problem_response(
                TOO_LARGE, detail, scope["path"], headers={"Connection": "close"}
            )
            await refusal(scope, receive, send)
            return
        await self.app(scope, _counting(receive, limit, detail), send)


def _counting(receive: Receive, limit: int, detail: str) -> Receive:
    """The same stream, which ends in TooLarge: chunked bodies announce no length."""
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > limit:
            raise TooLarge(detail)
        return message

    return counted
