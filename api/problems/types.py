"""The problem types, and the problem document that describes a failed request (RFC 9457)."""

from dataclasses import dataclass

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from starlette.types import Scope

from api.problems.error_field import has_error_field, make_error_field
from domain.errors import Fault

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class ProblemType:
    """A type of problem, which is the same at every endpoint."""

    slug: str
    status: int
    title: str
    meaning: str
    advice: str

    @property
    def uri(self) -> str:
        """The `type` of the document: the address of its page on this server."""
        return f"/problems/{self.slug}"


NOT_JSON = ProblemType(
    "not-json", 400, "The body is not JSON",
    "The body cannot be parsed as JSON (RFC 8259). `detail` gives the line and the column. NaN "
    "and Infinity are not JSON.",
    "Correct the body. Omit values that are not finite, or send them in an .npz dataset.",
)  # fmt: skip
BAD_REQUEST = ProblemType(
    "bad-request", 400, "The HTTP request is malformed",
    "A part of the HTTP request is malformed, e.g. its `Range` header, or its body is "
    "incomplete.",
    "Correct the request. The same request would fail again.",
)  # fmt: skip
DIGEST_MISMATCH = ProblemType(
    "digest-mismatch", 400, "The body is not the one that was sent",
    "The hash of the body differs from the one in the header `Content-Digest` or `Repr-Digest` "
    "(RFC 9530), so the body was changed on its way, or the header belongs to another body.",
    "Send the request again. The service stored nothing of the body.",
)  # fmt: skip
CHECKSUM_MISMATCH = ProblemType(
    "checksum-mismatch", 460, "The part of the upload is not the one that was sent",
    "The hash of the part differs from the one in the header `Upload-Checksum` of the tus "
    "protocol, so the part was changed on its way.",
    "Send the part again, at the same offset. The service stored nothing of it.",
)  # fmt: skip
UNAUTHORIZED = ProblemType(
    "unauthorized", 401, "An API key is needed",
    "The service runs with API keys, and the request has no valid one: the header "
    "`Authorization: Bearer ...` is missing, or its key is unknown or revoked.",
    "Send a key that `graphfit keys create` printed. The operator of the service can create one.",
)  # fmt: skip
FORBIDDEN_ORIGIN = ProblemType(
    "forbidden-origin", 403, "Pages of other sites may not call this service",
    "Without API keys the service accepts requests from programs and from its own pages only, so "
    "that no other web page that you visit can use it. The `Origin` header names another site.",
    "Call the service from a program, or from a page of its own address.",
)  # fmt: skip
NOT_FOUND = ProblemType(
    "not-found", 404, "The resource does not exist",
    "There is no resource with this address or this id.",
    "Check the id. The lists (`GET /v1/graphs`, ...) show which resources exist.",
)  # fmt: skip
METHOD_NOT_ALLOWED = ProblemType(
    "method-not-allowed", 405, "The address does not support this method",
    "The address exists. The `Allow` header lists the methods that it supports.",
    "Use one of these methods.",
)  # fmt: skip
CONFLICT = ProblemType(
    "conflict", 409, "The current state forbids the request",
    "A resource in use cannot be deleted. A job that has ended cannot be cancelled, paused or "
    "resumed. A request with an `Idempotency-Key` cannot be repeated while the first one is in "
    "progress.",
    "`detail` names the obstacle. Wait until it is gone, or remove it first.",
)  # fmt: skip
PRECONDITION_FAILED = ProblemType(
    "precondition-failed", 412, "The resource is not the one that the request expects",
    "The `If-Match` header names other entity tags than that of the resource. A weak entity tag "
    "(`W/...`) never matches, and a resource without an `ETag` matches only `*`. A request of the "
    "tus protocol gets this problem if its `Tus-Resumable` header does not name version 1.0.0.",
    "Read the resource again, and use its current `ETag`; or use version 1.0.0 of tus.",
)  # fmt: skip
REQUEST_TIMEOUT = ProblemType(
    "request-timeout", 408, "The request arrives too slowly",
    "The headers or the body of the request arrive so slowly that they would hold a place of the "
    "server for long (`HEADER_SECONDS`, `MIN_BODY_RATE`). The connection is closed.",
    "Send the request again over a faster connection.",
)  # fmt: skip
TOO_LARGE = ProblemType(
    "too-large", 413, "The body is too large",
    "The body exceeds a limit of this server (`GET /v1/info` lists the limits). A body whose "
    "`Content-Length` exceeds the limit is rejected before it is read.",
    "Send a smaller body, or raise the limit in the server's settings.",
)  # fmt: skip
UNSUPPORTED_MEDIA_TYPE = ProblemType(
    "unsupported-media-type", 415, "The address does not support the body's Content-Type",
    "The address supports other formats, which `detail` lists; or the body has a "
    "`Content-Encoding`, such as gzip.",
    "Set the `Content-Type` header to the actual format of the body, and send it uncompressed.",
)  # fmt: skip
HEADERS_TOO_LARGE = ProblemType(
    "headers-too-large", 431, "The headers are too large",
    "The request line and the headers exceed a limit of this server (`MAX_HEADER_BYTES`). The "
    "connection is closed.",
    "Send fewer or shorter headers.",
)  # fmt: skip
RANGE_NOT_SATISFIABLE = ProblemType(
    "range-not-satisfiable", 416, "The range is outside the file",
    "The `Range` header requests bytes after the end of the file. `Content-Range` gives the "
    "file's length.",
    "Request a range within the file, or the whole file.",
)  # fmt: skip
MISDIRECTED = ProblemType(
    "misdirected", 421, "This service answers on loopback hosts only",
    "Without API keys the service answers only requests to `localhost`, `127.0.0.1` or `[::1]`. "
    "The `Host` header names another host.",
    "Call the service by one of these names, on the machine that it runs on.",
)  # fmt: skip
INVALID_REQUEST = ProblemType(
    "invalid-request", 422, "The request is invalid",
    "`errors` lists every fault. `pointer` is a JSON Pointer (RFC 6901) into the body as sent; "
    "`detail` says what would be valid. A fault in the query or in a header has an empty pointer "
    "and names the parameter.",
    "Correct every fault in `errors`. The service stored nothing of the request.",
)  # fmt: skip
INTERNAL = ProblemType(
    "internal", 500, "The service failed",
    "The service has a defect; the request is not the cause. The server's log holds the details, "
    "at the time of the response.",
    "Try again. If the problem persists, report the request and its time.",
)  # fmt: skip
BUSY = ProblemType(
    "busy", 503, "The service is temporarily unavailable",
    "The service has reached a limit for concurrent work, or its database or its file store does "
    "not answer.",
    "Send the same request again after `Retry-After` seconds.",
)  # fmt: skip
STORAGE_FULL = ProblemType(
    "storage-full", 507, "The server has no storage left",
    "The disk is full. The service stored nothing of the request.",
    "Delete datasets, jobs or models that are no longer needed, then try again.",
)  # fmt: skip

PROBLEMS = (
    NOT_JSON, BAD_REQUEST, DIGEST_MISMATCH, CHECKSUM_MISMATCH, UNAUTHORIZED, FORBIDDEN_ORIGIN,
    NOT_FOUND, METHOD_NOT_ALLOWED, CONFLICT, REQUEST_TIMEOUT, PRECONDITION_FAILED, TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE, HEADERS_TOO_LARGE, RANGE_NOT_SATISFIABLE, MISDIRECTED, INVALID_REQUEST,
    INTERNAL, BUSY, STORAGE_FULL,
)  # fmt: skip


class Problem(BaseModel):
    """Why a request failed (RFC 9457)."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str = Field(examples=[INVALID_REQUEST.uri])
    """The type of the problem: the address of its page on this server."""
    title: str
    status: int
    detail: str
    """The cause of this failure."""
    instance: str
    """The path of the request."""
    errors: list[Fault] | None = None
    """Every fault in the request, with its place."""
    error: str | None = None
    """The faults in one line, for clients of TensorFlow Serving; only predictions have it."""


def make_problem_response(
    kind: ProblemType,
    detail: str,
    scope: Scope,
    faults: tuple[Fault, ...] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    """Returns a problem document, with the field `error` if the request's route has that option.

    Args:
        kind: The type of the problem.
        detail: The cause of this failure.
        scope: The ASGI scope of the request; the document contains its path.
        faults: The faults in the body, the query or a header.
        headers: Headers of the response.
    """
    errors = list(faults) if faults else None
    problem = Problem(
        type=kind.uri,
        title=kind.title,
        status=kind.status,
        detail=detail,
        instance=scope["path"],
        errors=errors,
        error=make_error_field(detail, faults) if has_error_field(scope) else None,
    )
    document = problem.model_dump(mode="json", exclude_none=True)
    return Response(to_json(document), kind.status, headers, MEDIA_TYPE)
