"""Converts exceptions into problem documents."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import compile_path
from starlette.types import Scope

from api.problems import types
from api.problems.body_fields import find_fields
from api.problems.hints import describe_error
from api.problems.types import ProblemType, make_problem_response
from domain.errors import (
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
from domain.source_map import SourceMap


class UnsupportedMediaType(GraphfitError):
    """The endpoint does not support the Content-Type of the body."""


_KINDS: Mapping[type[GraphfitError], ProblemType] = {
    NotJson: types.NOT_JSON,
    UnsupportedMediaType: types.UNSUPPORTED_MEDIA_TYPE,
    Invalid: types.INVALID_REQUEST,
    NotFound: types.NOT_FOUND,
    Conflict: types.CONFLICT,
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
    wait = error.retry_after if isinstance(error, Busy | Conflict) else None
    headers = None if wait is None else {"Retry-After": str(wait)}
    return make_problem_response(kind, error.detail, scope, faults, headers)


def _handle_validation_error(request: Request, error: RequestValidationError) -> Response:
    """Answers 404 if an id in the path is malformed, else 422 with each fault at its pointer."""
    found = error.errors()
    for item in found:
        if item["loc"][0] == "path":
            missing = NotFound(_name_resource(request.url.path), str(item["input"])[:64])
            return _handle_error(request, missing)
    model = _get_body_model(request)
    return _handle_error(
        request, Invalid([convert_error(item, error.body, model) for item in found])
    )


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
        headers["Allow"] = ", ".join(sorted(_list_methods(request))) or headers.get("Allow", "")
    details = {
        404: f"There is no resource at '{request.url.path}'.",
        405: f"'{request.url.path}' does not support {request.method}; it supports "
        f"{headers.get('Allow', 'other methods')}.",
    }
    detail = details.get(error.status_code, str(error.detail))
    return make_problem_response(kind, detail, request.scope, headers=headers)


def _list_methods(request: Request) -> set[str]:
    """Returns the methods of all routes with this path; Starlette names those of the first only."""
    paths: dict[str, Any] = request.app.openapi()["paths"]
    return {
        method.upper()
        for path, endpoints in paths.items()
        if compile_path(path)[0].match(request.url.path)
        for method in endpoints
    }


def _handle_disconnect(request: Request, error: ClientDisconnect) -> Response:
    """Ends a request whose client has disconnected; the response is not sent."""
    detail = "The connection ended before the whole body was received."
    return make_problem_response(types.BAD_REQUEST, detail, request.scope)


def _handle_unexpected_error(request: Request, error: Exception) -> Response:
    # Starlette raises the error again after the response, and the server logs it
    detail = "The service has failed. It has probably stored nothing of the request."
    return make_problem_response(types.INTERNAL, detail, request.scope)
