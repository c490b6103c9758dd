"""The problem documents that operations may answer, by group of operations."""

from typing import Any

from api.problems import types
from api.problems.types import Problem, ProblemType

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
        }
        for status, found in by_status.items()
    }


_OPEN = (types.FORBIDDEN_ORIGIN, types.MISDIRECTED, types.INTERNAL, types.BUSY)
_ALWAYS = (types.UNAUTHORIZED, *_OPEN)
_BODY = (
    types.NOT_JSON,
    types.TOO_LARGE,
    types.UNSUPPORTED_MEDIA_TYPE,
    types.INVALID_REQUEST,
)
LISTS = describe_problems(types.INVALID_REQUEST, *_ALWAYS)
READS = describe_problems(types.NOT_FOUND, *_ALWAYS)
DELETES = describe_problems(types.NOT_FOUND, types.CONFLICT, *_ALWAYS)
CREATES = describe_problems(*_BODY, types.CONFLICT, types.STORAGE_FULL, *_ALWAYS)
ASKS = describe_problems(*_BODY, types.NOT_FOUND, types.STORAGE_FULL, *_ALWAYS)
NOT_EXPRESSIBLE = describe_problems(types.INVALID_REQUEST)
ALWAYS = describe_problems(*_ALWAYS)
OPEN = describe_problems(*_OPEN)
"""Problems of operations that need no API key."""
DOWNLOADS: Responses = {
    200: {"description": "The file.", "content": {"application/octet-stream": {}}},
    206: {"description": "The requested part.", "content": {"application/octet-stream": {}}},
    304: {"description": "The file is unchanged."},
    **describe_problems(types.BAD_REQUEST, types.NOT_FOUND, types.RANGE_NOT_SATISFIABLE, *_ALWAYS),
}
