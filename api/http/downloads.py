"""Files as they are downloaded: whole or in ranges, with a strong ETag."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from api.job_snapshots import matches
from api.problems.types import BAD_REQUEST, RANGE_NOT_SATISFIABLE, problem_response
from domain.model import ModelFile
from models_store.files.store import ArtifactStore


class RangedFile(FileResponse):
    """Starlette's, whose refusals of a `Range` become problem documents.

    Its ETag alone tells what the file is: when it came to this machine is nobody's business.
    """

    def __init__(self, held: ExitStack, path: Path, **options: Any) -> None:
        super().__init__(path, **options)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the file, a part of it, or why not; then nobody needs to hold it any more."""
        refused = False

        async def spoken(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start":
                message["headers"] = [h for h in message["headers"] if h[0] != b"last-modified"]
                if message["status"] in (400, 416):
                    refused = True
                    await _refusal(message, scope["path"])(scope, receive, send)
            if not refused:
                await send(message)

        with self._held:
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


def file_response(request: Request, store: ArtifactStore, key: str, file: ModelFile) -> Response:
    """The file, or 304 for who has it already.

    Args:
        store: Where its bytes are.
        key: Under which they are there.
        file: Whose sha256 is the ETag.

    Raises:
        NotFound: it is gone, or damaged.
        StorageFull: this machine has no room to fetch it.
        Busy: the store does not answer.
    """
    etag = f'"{file.sha256}"'
    headers = {"ETag": etag, "Cache-Control": "private, max-age=31536000, immutable"}
    given = request.headers.get("if-none-match")
    if given is not None and matches(given, etag):
        return Response(status_code=304, headers=headers)
    with ExitStack() as stack:
        path = stack.enter_context(store.held(key, file.sha256))
        return RangedFile(
            stack.pop_all(),
            path,
            headers=headers,
            media_type=file.media_type,
            filename=file.name,
        )
