"""Converts exceptions into problem documents."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from api.problems import types
from api.problems.body_fields import find_fields
from api.problems.hints import describe_error
from api.problems.types import ProblemType, make_problem_response
from domain.errors import (
    MOST_FAULTS,
    Busy,
    Conflict,
    Fault,
    GraphfitError,
    Invalid,
    NotFound,
    NotJson,
    StorageFull,
    TooLarge,
)
from domain.json.source_map import SourceMap


class UnsupportedMediaType(GraphfitError):
    """The endpoint does not support the Content-Type of the body."""


class UnsupportedEncoding(UnsupportedMediaType):
    """The body has a Content-Encoding; the service decompresses no bodies."""


class BadRequest(GraphfitError):
    """A header of the request is malformed."""


class DigestMismatch(GraphfitError):
    """The body is not the one whose `Content-Digest` or `Repr-Digest` the client sent."""


class ChecksumMismatch(GraphfitError):
    """The body is not the one whose `Upload-Checksum` the client sent."""


class PreconditionFailed(GraphfitError):
    """The `If-Match` header of a request does not name the entity tag of the resource."""


_KINDS: Mapping[type[GraphfitError], ProblemType] = {
    NotJson: types.NOT_JSON,
    UnsupportedMediaType: types.UNSUPPORTED_MEDIA_TYPE,
    Invalid: types.INVALID_REQUEST,
    NotFound: types.NOT_FOUND,
    Conflict: types.CONFLICT,
    BadRequest: types.BAD_REQUEST,
    DigestMismatch: types.DIGEST_MISMATCH,
    ChecksumMismatch: types.CHECKSUM_MISMATCH,
    PreconditionFailed: types.PRECONDITION_FAILED,
    TooLarge: types.TOO_LARGE,
    Busy: types.BUSY,
    StorageFull: types.STORAGE_FULL,
}
_BY_STATUS = {kind.status: kind for kind in types.PROBLEMS} | {400: types.BAD_REQUEST}


def add_handlers(app: FastAPI) -> None:
    """Adds the handlers that answer every exception with a problem document."""
    handlers: dict[Any, Callable[[Request, Any], Response]] = {
        GraphfitError: _handle_error,
        RequestValidationError: _handle_validation_error,
        HTTPException: _handle_http_exception,
        ClientDisconnect: _handle_disconnect,
        Exception: _handle_unexpected_error,
    }
    for error, handler in handlers.items():
        app.add_exception_handler(error, _make_asynchronous(handler))


def _make_asynchronous(handler: Callable[[Request, Any], Response]) -> Any:
    """Returns an asynchronous handler; Starlette would run a synchronous one in a thread."""

    async def handle(request: Request, error: Exception) -> Response:
        return handler(request, error)

    return handle


def _handle_error(request: Request, error: GraphfitError) -> Response:
    return make_error_response(error, request.scope)


def make_error_response(error: GraphfitError, scope: Scope) -> Response:
    """Returns the problem document of an error.

    Raises:
        GraphfitError: The error has no problem type.
    """
    kind = next((kind for of, kind in _KINDS.items() if isinstance(error, of)), None)
    if kind is None:
        raise error
    faults = error.faults if isinstance(error, Invalid) else ()
    return make_problem_response(kind, error.detail, scope, faults, _make_headers(error))


def _make_headers(error: GraphfitError) -> dict[str, str] | None:
    if isinstance(error, Busy | Conflict) and error.retry_after is not None:
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, UnsupportedEncoding):
        return {"Accept-Encoding": "identity"}
    return None


def _handle_validation_error(request: Request, error: RequestValidationError) -> Response:
    """Answers 404 if an id in the path is malformed, else 422 with each fault at its pointer.

    A malformed id can also be the end of another path, which may not support the method.
    """
    found = error.errors()
    for item in found:
        if item["loc"][0] == "path":
            methods = list_methods(request)
            if methods and request.method not in methods:
                return _handle_http_exception(request, HTTPException(405))
            missing = NotFound(_name_resource(request.url.path), str(item["input"])[:64])
            return _handle_error(request, missing)
    model = _get_body_model(request)
    faults = [convert_error(item, error.body, model) for item in found[:MOST_FAULTS]]
    return _handle_error(request, Invalid(faults))


def _get_body_model(request: Request) -> type[BaseModel] | None:
    fields = request.scope["route"].dependant.body_params
    model = fields[0].field_info.annotation if len(fields) == 1 else None
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def _name_resource(path: str) -> str:
    """Returns the kind of resource that a path names: `job` for `/v1/jobs/x`."""
    return path.split("/")[2].removesuffix("s") if path.startswith("/v1/") else "resource"


def convert_error(item: Mapping[str, Any], body: Any, model: type[BaseModel] | None) -> Fault:
    """Converts an error of pydantic into a fault with its pointer into the body."""
    where, *location = item["loc"]
    if where != "body":
        return Fault(
            pointer="", detail=f"{where} parameter `{location[0]}`: {describe_error(item)}"
        )
    if not location and item["type"] == "missing":
        return Fault(pointer="", detail="A JSON body is needed.")
    fields = [] if model is None else find_fields(model, location)
    is_missing = item["type"] in ("missing", "extra_forbidden")
    place = SourceMap(body=body).place_of_error(location, is_missing=is_missing)
    return Fault(pointer=place, detail=describe_error(item, fields))


def _handle_http_exception(request: Request, error: HTTPException) -> Response:
    kind = _BY_STATUS.get(error.status_code, types.BAD_REQUEST)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(sorted(list_methods(request))) or headers.get("Allow", "")
    details = {
        404: f"There is no resource at '{request.url.path}'.",
        405: f"'{request.url.path}' does not support {request.method}; it supports "
        f"{headers.get('Allow', 'other methods')}.",
    }
    detail = details.get(error.status_code, str(error.detail))
    return make_problem_response(kind, detail, request.scope, headers=headers)


def list_methods(request: Request) -> set[str]:
    """Returns the methods of all routes with this path; Starlette names those of the first only.

    A path of `/v1/models/{id}:predict` also fits the template `/v1/models/{id}`; the longest one
    counts. HEAD is supported wherever GET is.
    """
    routes = [
        route
        for route in getattr(request.app.state, "routes", request.app.routes)
        if getattr(route, "include_in_schema", False) and route.path_regex.match(request.url.path)
    ]
    longest = max((len(route.path_format) for route in routes), default=0)
    methods = {
        method for route in routes if len(route.path_format) == longest for method in route.methods
    }
    return methods | {"HEAD"} if "GET" in methods else methods


def _handle_disconnect(request: Request, error: ClientDisconnect) -> Response:
    """Ends a request whose client has disconnected; the response is not sent."""
    detail = "The client has closed the connection."
    return make_problem_response(types.BAD_REQUEST, detail, request.scope)


def _handle_unexpected_error(request: Request, error: Exception) -> Response:
    # Starlette raises the error again after the response, and the server logs it
    detail = "The service has failed. It has probably stored nothing of the request."
    return make_problem_response(types.INTERNAL, detail, request.scope)
