"""Files as they are downloaded: whole or in ranges, with a strong ETag."""

from pathlib import Path

from fastapi import Request, Response
from fastapi.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from api.problems import BAD_REQUEST, RANGE_NOT_SATISFIABLE, problem_response
from api.snapshots import matches
from domain.model import ModelFile


class RangedFile(FileResponse):
    """Starlette's, whose refusals of a `Range` become problem documents."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the file, a part of it, or why not."""
        refused = False

        async def spoken(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] in (400, 416):
                refused = True
                await _refusal(message, scope["path"])(scope, receive, send)
            elif not refused:
                await send(message)

        await super().__call__(scope, receive, spoken)


def _refusal(start: Message, path: str) -> Response:
    if start["status"] == 400:
        detail = "The `Range` header is not one of bytes, e.g. `bytes=0-1023`."
        return problem_response(BAD_REQUEST, detail, path)
    sizes = [value.decode() for name, value in start["headers"] if name == b"content-range"]
    headers = {"Content-Range": sizes[0]}
    return problem_response(
        RANGE_NOT_SATISFIABLE, "The file has no such bytes.", path, headers=headers
    )


def file_response(request: Request, path: Path, file: ModelFile) -> Response:
    """The file, or 304 for who has it already.

    Args:
        path: Where its bytes are.
        file: Whose sha256 is the ETag.
    """
    etag = f'"{file.sha256}"'
    headers = {"ETag": etag, "Cache-Control": "private, max-age=31536000, immutable"}
    given = request.headers.get("if-none-match")
    if given is not None and matches(given, etag):
        return Response(status_code=304, headers=headers)
    return RangedFile(path, headers=headers, media_type=file.media_type, filename=file.name)
