"""Compresses documents with gzip for clients that accept it (RFC 9110, 8.4 and 12.5.3)."""

import gzip
from collections import OrderedDict
from collections.abc import Callable

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.accept import accepts_coding
from api.http.route_options import get_route_options

GZIP = "gzip"
LEAST_BYTES = 1024
"""A smaller body is sent as it is."""
QUICK_BYTES = 16 * 2**10
"""The largest body that is compressed on the event loop, which takes less than a millisecond."""
MOST_KEPT = 512
"""The largest number of compressed documents in memory."""
_FAST, _SMALL = 1, 6
"""Levels of gzip: for a body that is sent once, and for a document that is kept."""
_MEDIA_TYPES = frozenset({"application/json", "text/html", "text/javascript", "text/plain"})
_ONE_THREAD = CapacityLimiter(1)
"""Clients that ask for large documents take at most one core."""


class Compression:
    """ASGI middleware: compresses the answers to GET.

    Predictions are not compressed: gzip makes numbers little smaller, and takes longer than most
    models. Files, streams of events and polls of jobs are sent as they are, too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        start: Message | None = None

        async def send_compressed(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _varies(message, scope):
                start = message  # the body decides on its headers
                return
            if start is not None:
                held, start = start, None
                if not message.get("more_body") and _accepts_gzip(scope):
                    message = await self._compress(held, message)
                MutableHeaders(raw=held["headers"]).append("Vary", "Accept-Encoding")
                await send(held)
            await send(message)

        await self.app(scope, receive, send_compressed)

    async def _compress(self, start: Message, message: Message) -> Message:
        """Returns the message with the compressed body, and changes the headers of `start`."""
        body: bytes = message.get("body", b"")
        headers = MutableHeaders(raw=start["headers"])
        etag = headers.get("etag")
        if not body:
            return message  # a 304
        compressed = await self._find(etag, body)
        headers["Content-Encoding"] = GZIP
        headers["Content-Length"] = str(len(compressed))
        if etag is not None:  # the bytes are others than those of the strong entity tag
            headers["ETag"] = f"W/{etag.removeprefix('W/')}"
        return {**message, "body": compressed}

    async def _find(self, etag: str | None, body: bytes) -> bytes:
        """Returns the compressed body; keeps it if a strong entity tag identifies it."""
        if etag is None or etag.startswith("W/"):
            return await _run(len(body), lambda: gzip.compress(body, _FAST, mtime=0))
        kept = self._kept.pop(etag, None)
        if kept is None:
            kept = await _run(len(body), lambda: gzip.compress(body, _SMALL, mtime=0))
        self._kept[etag] = kept
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return kept


async def _run(size: int, compress: Callable[[], bytes]) -> bytes:
    if size <= QUICK_BYTES:
        return compress()
    return await to_thread.run_sync(compress, limiter=_ONE_THREAD)


def _varies(start: Message, scope: Scope) -> bool:
    """Returns whether a response, or the one that a 304 stands for, may be compressed."""
    headers = Headers(raw=start["headers"])
    if get_route_options(scope.get("route")).is_polled:
        return False
    if start["status"] == 304:
        return "accept-ranges" not in headers
    length = headers.get("content-length", "0")
    media_type = headers.get("content-type", "").partition(";")[0]
    is_whole = "accept-ranges" not in headers and "content-encoding" not in headers
    return is_whole and media_type in _MEDIA_TYPES and int(length) >= LEAST_BYTES


def _accepts_gzip(scope: Scope) -> bool:
    return accepts_coding(Headers(scope=scope).getlist("accept-encoding"), GZIP)
