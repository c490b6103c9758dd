"""The tus protocol 1.0.0: its headers, as values that the store of uploads knows, and back.

https://tus.io/protocols/resumable-upload
"""

import base64
import re
from collections.abc import Callable, Coroutine
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from api.http.bodies.digests import Expected
from api.problems.handlers import (
    BadRequest,
    ChecksumMismatch,
    PreconditionFailed,
    UnsupportedMediaType,
    make_error_response,
)
from domain.errors import GraphfitError
from domain.upload import Upload

VERSION = "1.0.0"
EXTENSIONS = (
    *("creation", "creation-with-upload", "creation-defer-length"),
    *("checksum", "expiration", "termination"),
)
ALGORITHMS = ("sha1", "sha256", "sha512", "md5")
"""The algorithms of `Upload-Checksum`, which are hashlib's names too."""
MEDIA_TYPE = "application/offset+octet-stream"
MOST_METADATA = 4096
"""Largest number of characters of `Upload-Metadata`."""
_NUMBER = re.compile(r"[0-9]{1,18}")


class TusRoute(APIRoute):
    """A route whose answers all name the version of the protocol."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Returns FastAPI's handler, which also answers the errors of this service."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                response = await handler(request)
            except GraphfitError as error:
                response = make_error_response(error, request.scope)
            response.headers["Tus-Resumable"] = VERSION
            if response.status_code == 412:
                response.headers["Tus-Version"] = VERSION
            return response

        return handle


def check_version(request: Request, *, is_required: bool = True) -> None:
    """Checks the version of the protocol that a client uses.

    Raises:
        PreconditionFailed: It is another version, or the request has none and needs one.
    """
    given = request.headers.get("tus-resumable")
    if given != VERSION and (given is not None or is_required):
        raise PreconditionFailed(f"The header `Tus-Resumable: {VERSION}` is needed.")


def check_media_type(request: Request) -> None:
    """Checks the Content-Type of a part.

    Raises:
        UnsupportedMediaType: It is another one.
    """
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != MEDIA_TYPE:
        raise UnsupportedMediaType(f"A part of an upload has `Content-Type: {MEDIA_TYPE}`.")


def has_body(request: Request) -> bool:
    """Returns whether a request has a body, which may be empty if it is sent in chunks."""
    length = request.headers.get("content-length", "0")
    return length != "0" or "transfer-encoding" in request.headers


def parse_number(request: Request, header: str) -> int | None:
    """Returns the number in a header; None if the request does not have the header.

    Raises:
        BadRequest: The header is not a number, or the request has it twice.
    """
    values = request.headers.getlist(header)
    if not values:
        return None
    if len(values) > 1 or not _NUMBER.fullmatch(values[0]):
        raise BadRequest(f"`{header}` must be one number of bytes, without a sign.")
    return int(values[0])


def parse_offset(request: Request) -> int:
    """Returns the offset of a part.

    Raises:
        BadRequest: The request has none, or a malformed one.
    """
    offset = parse_number(request, "Upload-Offset")
    if offset is None:
        raise BadRequest("A part needs the header `Upload-Offset`.")
    return offset


def parse_length(request: Request) -> int | None:
    """Returns the length of a new upload; None if the client will state it later.

    Raises:
        BadRequest: The request has neither `Upload-Length` nor `Upload-Defer-Length: 1`, or both.
    """
    length = parse_number(request, "Upload-Length")
    deferred = request.headers.get("upload-defer-length")
    if deferred not in (None, "1") or (length is None) == (deferred is None):
        raise BadRequest(
            "A new upload needs the header `Upload-Length`, or `Upload-Defer-Length: 1` if the "
            "length is not known yet."
        )
    return length


def parse_metadata(request: Request) -> dict[str, str]:
    """Returns the pairs of `Upload-Metadata`.

    Raises:
        BadRequest: The header is malformed or too long, or a value is not UTF-8.
    """
    value = ",".join(request.headers.getlist("upload-metadata"))
    if len(value) > MOST_METADATA:
        raise BadRequest(f"`Upload-Metadata` may have at most {MOST_METADATA} characters.")
    pairs: dict[str, str] = {}
    for item in filter(None, (text.strip() for text in value.split(","))):
        key, _, encoded = item.partition(" ")
        if key in pairs:
            raise BadRequest(f"`Upload-Metadata` has the key `{key}` twice.")
        pairs[key] = _decode(key, encoded)
    return pairs


def _decode(key: str, encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except ValueError:  # also if the text is not ASCII
        raise BadRequest(
            f"The value of `{key}` in `Upload-Metadata` is not UTF-8 in Base64."
        ) from None


def format_metadata(metadata: dict[str, str]) -> str:
    """Returns the value of the header `Upload-Metadata`."""
    pairs = ((key, base64.b64encode(value.encode()).decode()) for key, value in metadata.items())
    return ",".join(f"{key} {value}".strip() for key, value in pairs)


def parse_checksum(request: Request) -> list[Expected]:
    """Returns the hash in the header `Upload-Checksum`, if the request has it.

    Raises:
        BadRequest: The header is malformed, or names an algorithm that is not supported.
    """
    value = request.headers.get("upload-checksum")
    if value is None:
        return []
    algorithm, _, encoded = value.partition(" ")
    if algorithm not in ALGORITHMS:
        raise BadRequest(f"`Upload-Checksum` supports {', '.join(ALGORITHMS)}.")
    try:
        digest = base64.b64decode(encoded.strip(), validate=True)
    except ValueError:  # also if the text is not ASCII
        raise BadRequest("`Upload-Checksum` is not like `sha1 <base64>`.") from None
    return [Expected(algorithm, digest, _make_mismatch)]


def _make_mismatch() -> ChecksumMismatch:
    return ChecksumMismatch("The part does not have the hash that `Upload-Checksum` gives.")


def make_headers(upload: Upload) -> dict[str, str]:
    """Returns the headers that describe an upload."""
    headers = {
        "Upload-Offset": str(upload.offset),
        "Upload-Expires": format_date(upload.expires_at),
        "Cache-Control": "no-store",
    }
    if upload.length is None:
        headers["Upload-Defer-Length"] = "1"
    else:
        headers["Upload-Length"] = str(upload.length)
    if upload.metadata:
        headers["Upload-Metadata"] = format_metadata(upload.metadata)
    return headers


def format_date(at: datetime) -> str:
    """Returns a time as HTTP writes it."""
    return format_datetime(at, usegmt=True)


def describe_service(most_bytes: int) -> dict[str, str]:
    """Returns the headers that say what this service supports."""
    return {
        "Tus-Version": VERSION,
        "Tus-Extension": ",".join(EXTENSIONS),
        "Tus-Max-Size": str(most_bytes),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }
