"""The problem documents that operations may answer, by group of operations."""

from typing import Any

from api.problems import types
from api.problems.types import MEDIA_TYPE, Problem, ProblemType

Responses = dict[int | str, dict[str, Any]]


def describe_problems(*kinds: ProblemType) -> Responses:
    """Returns the `responses` of an operation that can answer with these problems."""
    by_status: dict[int, list[ProblemType]] = {}
    for kind in kinds:
        by_status.setdefault(kind.status, []).append(kind)
    return {
        status: {
            "model": Problem,
            "description": "; ".join(f"{kind.title} (`{kind.uri}`)" for kind in found),
            "content": {
                MEDIA_TYPE: {"examples": {kind.slug: {"summary": kind.title} for kind in found}}
            },
        }
        for status, found in by_status.items()
    }


_OPEN = (
    types.INVALID_REQUEST,  # a query parameter that the operation does not have
    types.FORBIDDEN_ORIGIN,
    types.MISDIRECTED,
    types.INTERNAL,
    types.BUSY,
)
_ALWAYS = (types.UNAUTHORIZED, *_OPEN)
_BODY = (
    types.NOT_JSON,
    types.PRECONDITION_FAILED,
    types.TOO_LARGE,
    types.UNSUPPORTED_MEDIA_TYPE,
)
"""Problems of operations with a request body."""
LISTS = describe_problems(*_ALWAYS)
READS = describe_problems(types.NOT_FOUND, *_ALWAYS)
CHANGES = describe_problems(types.NOT_FOUND, types.CONFLICT, types.PRECONDITION_FAILED, *_ALWAYS)
CONDITIONAL = describe_problems(types.PRECONDITION_FAILED)
"""The problem of operations that return an `ETag`."""
CREATES = describe_problems(*_BODY, types.CONFLICT, types.STORAGE_FULL, *_ALWAYS)
_PARTS = (
    types.BAD_REQUEST,
    types.DIGEST_MISMATCH,
    types.PRECONDITION_FAILED,
    types.TOO_LARGE,
    types.UNSUPPORTED_MEDIA_TYPE,
    types.STORAGE_FULL,
)
"""Problems of parts of uploads. The 460 of tus is no status of HTTP, so generators refuse it."""
STARTS_UPLOADS = describe_problems(*_PARTS, *_ALWAYS)
PARTS = describe_problems(*_PARTS, types.NOT_FOUND, types.CONFLICT, *_ALWAYS)
DIGESTS = describe_problems(types.NOT_JSON, types.BAD_REQUEST, types.DIGEST_MISMATCH)
"""The problems of status 400 of operations that take `Content-Digest`."""
ASKS = describe_problems(*_BODY, types.NOT_FOUND, types.STORAGE_FULL, *_ALWAYS)
ALWAYS = describe_problems(*_ALWAYS)
OPEN = describe_problems(*_OPEN)
"""Problems of operations that need no API key."""
_FILE: dict[str, Any] = {"application/octet-stream": {}, "application/*": {}}
"""Generators take the first media type; a file has its own, e.g. `application/vnd.keras`."""
DOWNLOADS: Responses = {
    200: {"description": "The file.", "content": _FILE},
    206: {"description": "The requested part.", "content": _FILE},
    304: {"description": "The file is unchanged."},
    **describe_problems(
        types.BAD_REQUEST,
        types.NOT_FOUND,
        types.PRECONDITION_FAILED,
        types.RANGE_NOT_SATISFIABLE,
        *_ALWAYS,
    ),
}
