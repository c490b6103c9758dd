"""What operations may answer besides success: problem documents, by group of operation."""

from typing import Any

from api import problems
from api.problems import Problem, ProblemType

Responses = dict[int | str, dict[str, Any]]


def problems_of(*kinds: ProblemType) -> Responses:
    """The `responses` of an operation that these problems can befall."""
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


_OPEN = (problems.FORBIDDEN_ORIGIN, problems.MISDIRECTED, problems.INTERNAL, problems.BUSY)
_ALWAYS = (problems.UNAUTHORIZED, *_OPEN)
_BODY = (
    problems.NOT_JSON,
    problems.TOO_LARGE,
    problems.UNSUPPORTED_MEDIA_TYPE,
    problems.INVALID_REQUEST,
)
LISTS = problems_of(problems.INVALID_REQUEST, *_ALWAYS)
READS = problems_of(problems.NOT_FOUND, *_ALWAYS)
DELETES = problems_of(problems.NOT_FOUND, problems.CONFLICT, *_ALWAYS)
CREATES = problems_of(*_BODY, problems.CONFLICT, problems.STORAGE_FULL, *_ALWAYS)
ASKS = problems_of(*_BODY, problems.NOT_FOUND, problems.STORAGE_FULL, *_ALWAYS)
UNSAYABLE = problems_of(problems.INVALID_REQUEST)
ALWAYS = problems_of(*_ALWAYS)
OPEN = problems_of(*_OPEN)
"""Of what needs no key."""
DOWNLOADS: Responses = {
    200: {"description": "The file.", "content": {"application/octet-stream": {}}},
    206: {"description": "The part asked for.", "content": {"application/octet-stream": {}}},
    304: {"description": "You have it already."},
    **problems_of(
        problems.BAD_REQUEST, problems.NOT_FOUND, problems.RANGE_NOT_SATISFIABLE, *_ALWAYS
    ),
}
