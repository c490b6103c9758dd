"""Sends stored files, whole or in ranges, with a strong ETag."""

import os
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

from fastapi import Request, Response
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import Message, Receive, Scope, Send

from api.http.connections.broken_off import broken_off
from api.http.etags import Conditions
from api.http.head import is_head
from api.problems.types import BAD_REQUEST, RANGE_NOT_SATISFIABLE, make_problem_response
from domain.errors import Damaged
from domain.model import ModelFile
from models_store.files.store import ArtifactStore, StoredFile


class RangedFile(FileResponse):
    """Sends a file of the store, whole or in ranges.

    Starlette's response implements the headers. This class reads blocks of the store instead of a
    path, and replaces the errors of a `Range` by problem documents. Only the ETag identifies the
    file: the response has no `Last-Modified`.
    """

    chunk_size = 1 << 20

    def __init__(self, opened: ExitStack, source: StoredFile, **options: Any) -> None:
        attributes = os.stat_result((0, 0, 0, 0, 0, 0, source.size, 0, 0, 0))
        super().__init__("", stat_result=attributes, **options)
        self._opened = opened
        self._source = source

    @asynccontextmanager
    async def _open_file(self) -> AsyncIterator[Any]:
        yield _Cursor(self._source)

    @classmethod
    def _parse_range_header(cls, http_range: str, file_size: int) -> list[tuple[int, int]]:
        """Returns the ranges; none if the unit is unknown, which RFC 9110 (14.2) says to ignore."""
        unit, separator, _ = http_range.partition("=")
        if separator and unit.strip().lower() != "bytes":
            return []
        return super()._parse_range_header(http_range, file_size)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the file, a part of it, or a problem document; then closes the file."""
        if is_head(scope):
            scope = _drop_range(scope)
        is_rejected = False

        async def filter_message(message: Message) -> None:
            nonlocal is_rejected
            if message["type"] == "http.response.start":
                message["headers"] = [h for h in message["headers"] if h[0] != b"last-modified"]
                if message["status"] in (400, 416):
                    is_rejected = True
                    await _reject_range(message, scope)(scope, receive, send)
            if not is_rejected:
                await send(message)

        with self._opened:
            async with broken_off(scope, filter_message) as watched:
                await super().__call__(scope, receive, watched)


class _Cursor:
    """The two methods of an asynchronous file that Starlette calls."""

    def __init__(self, source: StoredFile) -> None:
        self._source = source
        self._at = 0

    async def seek(self, start: int) -> None:
        self._at = start

    async def read(self, size: int) -> bytes:
        block = await run_in_threadpool(self._source.read, self._at, size)
        self._at += len(block)
        return block


def _drop_range(scope: Scope) -> Scope:
    """Returns a HEAD request without `Range`, which has a meaning for GET only."""
    headers = [header for header in scope["headers"] if header[0] != b"range"]
    return {**scope, "method": "HEAD", "headers": headers}


def _reject_range(start: Message, scope: Scope) -> Response:
    if start["status"] == 400:
        detail = "The `Range` header has no byte ranges, e.g. `bytes=0-1023`."
        return make_problem_response(BAD_REQUEST, detail, scope)
    sizes = [value.decode() for name, value in start["headers"] if name == b"content-range"]
    headers = {"Content-Range": sizes[0]}
    return make_problem_response(
        RANGE_NOT_SATISFIABLE, "The range is outside the file.", scope, headers=headers
    )


def make_file_response(
    request: Request, store: ArtifactStore, key: str, file: ModelFile
) -> Response:
    """Returns a response with the file, 304 if the client has it already, or 412.

    Args:
        request: The request, for its conditions and its `Range`.
        store: The store with the file.
        key: The key of the file.
        file: The row of the file; its sha256 is the ETag.

    Raises:
        NotFound: The file is missing.
        Damaged: The file has another size than its row says.
        Busy: The store does not answer.
        PreconditionFailed: `If-Match` names other contents.
    """
    etag = f'"{file.sha256}"'
    headers = {"ETag": etag, "Cache-Control": "private, max-age=31536000, immutable"}
    given = request.headers
    if Conditions(given.get("if-match"), given.get("if-none-match")).is_unchanged(etag):
        return Response(status_code=304, headers=headers)
    with ExitStack() as stack:
        source = stack.enter_context(store.open(key, file.sha256))
        if source.size != file.bytes:
            raise Damaged(file.name)
        return RangedFile(
            stack.pop_all(),
            source,
            headers=headers,
            media_type=file.media_type,
            filename=file.name,
        )
