"""Every way in which a request can fail: one table, one shape (RFC 9457)."""

from dataclasses import dataclass
from typing import Any

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from domain.errors import Fault

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class ProblemType:
    """One kind of problem, the same at every endpoint."""

    slug: str
    status: int
    title: str
    meaning: str
    advice: str

    @property
    def uri(self) -> str:
        """The problem's `type`: its page on this server."""
        return f"/problems/{self.slug}"


NOT_JSON = ProblemType(
    "not-json", 400, "The body is not JSON",
    "The body cannot be read as JSON (RFC 8259); `detail` says at which line and column. "
    "NaN and Infinity are not JSON.",
    "Correct the body. Leave out what is not a number, or send it as an .npz dataset.",
)  # fmt: skip
BAD_REQUEST = ProblemType(
    "bad-request", 400, "The request cannot be understood",
    "The HTTP request itself is malformed, e.g. its `Range` header or an incomplete body.",
    "Correct the request; sent again as it is, it fails again.",
)  # fmt: skip
UNAUTHORIZED = ProblemType(
    "unauthorized", 401, "An API key is needed",
    "The service runs with API keys, and the request has none that lets it in: there is no "
    "`Authorization: Bearer ...` header, or the key in it is unknown or was revoked.",
    "Send the key that `graphfit keys create` printed; ask who operates the service for one.",
)  # fmt: skip
FORBIDDEN_ORIGIN = ProblemType(
    "forbidden-origin", 403, "Another site's page may not call this service",
    "Without API keys the service answers programs and its own pages, so that no web page you "
    "visit can use it behind your back. The `Origin` header names another site.",
    "Call the service from a program, or from a page of its own address.",
)  # fmt: skip
NOT_FOUND = ProblemType(
    "not-found", 404, "There is no such thing",
    "The address, or the thing with the id in it, does not exist here.",
    "Check the id; the lists (`GET /v1/graphs`, ...) show what there is.",
)  # fmt: skip
METHOD_NOT_ALLOWED = ProblemType(
    "method-not-allowed", 405, "The address does not take this method",
    "The address exists; `Allow` lists the methods it takes.",
    "Use one of those.",
)  # fmt: skip
CONFLICT = ProblemType(
    "conflict", 409, "The present state forbids it",
    "A thing in use cannot be deleted, an ended job neither cancelled nor paused nor resumed, and "
    "a request with an `Idempotency-Key` in progress not sent again.",
    "`detail` says what stands in the way; wait for it, or end it first.",
)  # fmt: skip
TOO_LARGE = ProblemType(
    "too-large", 413, "The body is too large",
    "The body exceeds a limit of this server (`GET /v1/info` lists them). A body that announces "
    "its length is refused before it is read.",
    "Send less, or raise the limit where the server is started.",
)  # fmt: skip
UNSUPPORTED_MEDIA_TYPE = ProblemType(
    "unsupported-media-type", 415, "The body's Content-Type is not one of those taken here",
    "The address takes other formats; `detail` lists them.",
    "Set the `Content-Type` header to the format that the body really has.",
)  # fmt: skip
RANGE_NOT_SATISFIABLE = ProblemType(
    "range-not-satisfiable", 416, "The file has no such bytes",
    "The `Range` header asks for bytes beyond the file's end; `Content-Range` gives its length.",
    "Ask for a range within the file, or for all of it.",
)  # fmt: skip
MISDIRECTED = ProblemType(
    "misdirected", 421, "This service answers on loopback hosts only",
    "Without API keys only requests to `localhost`, `127.0.0.1` or `[::1]` are answered; the "
    "`Host` header names another host.",
    "Call the service by one of those names, on its own machine.",
)  # fmt: skip
INVALID_REQUEST = ProblemType(
    "invalid-request", 422, "The content of the request is at fault",
    "`errors` lists everything that is wrong: `pointer` is a JSON Pointer (RFC 6901) into the "
    "body as sent, `detail` says what would be right. A fault in the query or in a header has "
    "the empty pointer and names the parameter.",
    "Correct every place that `errors` names; nothing of the request was kept.",
)  # fmt: skip
INTERNAL = ProblemType(
    "internal", 500, "Something went wrong inside the service",
    "A mistake of ours. The server's log holds the details, under the time of the answer.",
    "Try again; if it stays, report what was sent and when.",
)  # fmt: skip
BUSY = ProblemType(
    "busy", 503, "Not now",
    "The service is at one of its limits for work done side by side, or its database or its store "
    "of files does not answer just now.",
    "Send the same request again after `Retry-After` seconds.",
)  # fmt: skip
STORAGE_FULL = ProblemType(
    "storage-full", 507, "The server has no room left",
    "The disk is full. Nothing of the request was kept.",
    "Delete datasets, jobs or models that are no longer needed, then try again.",
)  # fmt: skip

PROBLEMS = (
    NOT_JSON, BAD_REQUEST, UNAUTHORIZED, FORBIDDEN_ORIGIN, NOT_FOUND, METHOD_NOT_ALLOWED, CONFLICT,
    TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, RANGE_NOT_SATISFIABLE, MISDIRECTED, INVALID_REQUEST,
    INTERNAL, BUSY, STORAGE_FULL,
)  # fmt: skip


class Problem(BaseModel):
    """Why a request failed (RFC 9457)."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str = Field(examples=[INVALID_REQUEST.uri])
    """The kind of problem: the address of its page on this server."""
    title: str
    status: int
    detail: str
    """What went wrong this time."""
    instance: str
    """The address that was asked."""
    errors: list[Fault] | None = None
    """Where the request is at fault, every place at once."""


def make_problem_response(
    kind: ProblemType,
    detail: str,
    path: str,
    faults: tuple[Fault, ...] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    """One problem document; `:predict` also gets TensorFlow Serving's `error` field."""
    errors = list(faults) if faults else None
    problem = Problem(
        type=kind.uri,
        title=kind.title,
        status=kind.status,
        detail=detail,
        instance=path,
        errors=errors,
    )
    document: dict[str, Any] = problem.model_dump(mode="json", exclude_none=True)
    if path.endswith(":predict"):
        document["error"] = _told_in_one_line(detail, faults)
    return Response(to_json(document), kind.status, headers, MEDIA_TYPE)


def _told_in_one_line(detail: str, faults: tuple[Fault, ...]) -> str:
    places = "; ".join(f"{fault.pointer or 'body'}: {fault.detail}" for fault in faults[:5])
    return places or detail
