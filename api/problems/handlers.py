"""Turns whatever stops a request into its problem document."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import compile_path

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
    """The body's Content-Type is not one of those taken here."""


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
    """Every error of this application leaves it as a problem document."""
    handlers: dict[Any, Callable[[Request, Any], Response]] = {
        GraphfitError: _handle_error,
        RequestValidationError: _handle_validation_error,
        HTTPException: _handle_http_exception,
        ClientDisconnect: _handle_disconnect,
        Exception: _handle_unexpected_error,
    }
    for error, handler in handlers.items():
        app.add_exception_handler(error, _asynchronous(handler))


def _asynchronous(handler: Callable[[Request, Any], Response]) -> Any:
    """Starlette would run a plain function in a thread of its own."""

    async def handle(request: Request, error: Exception) -> Response:
        return handler(request, error)

    return handle


def _handle_error(request: Request, error: GraphfitError) -> Response:
    return make_error_response(error, request.url.path)


def make_error_response(error: GraphfitError, path: str) -> Response:
    """What is said to a client of an error that was foreseen."""
    kind = next((kind for of, kind in _KINDS.items() if isinstance(error, of)), None)
    if kind is None:
        raise error
    faults = error.faults if isinstance(error, Invalid) else ()
    wait = error.retry_after if isinstance(error, Busy | Conflict) else None
    headers = None if wait is None else {"Retry-After": str(wait)}
    return make_problem_response(kind, error.detail, path, faults, headers)


def _handle_validation_error(request: Request, error: RequestValidationError) -> Response:
    """What pydantic found: in the path an unknown id, in the body faults at pointers."""
    found = error.errors()
    for item in found:
        if item["loc"][0] == "path":
            missing = NotFound(_thing_of(request.url.path), str(item["input"])[:64])
            return _handle_error(request, missing)
    model = _model_of_body(request)
    return _handle_error(
        request, Invalid([convert_error(item, error.body, model) for item in found])
    )


def _model_of_body(request: Request) -> type[BaseModel] | None:
    asked = request.scope["route"].dependant.body_params
    model = asked[0].field_info.annotation if len(asked) == 1 else None
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def _thing_of(path: str) -> str:
    """`/v1/jobs/x` asks for a job."""
    return path.split("/")[2].removesuffix("s") if path.startswith("/v1/") else "thing"


def convert_error(item: Mapping[str, Any], body: Any, model: type[BaseModel] | None) -> Fault:
    """One of pydantic's errors, in our words and at its place in the body."""
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
        headers["Allow"] = ", ".join(sorted(_methods(request))) or headers.get("Allow", "")
    details = {
        404: f"There is nothing at '{request.url.path}'.",
        405: f"'{request.url.path}' does not take {request.method}; it takes "
        f"{headers.get('Allow', 'other methods')}.",
    }
    detail = details.get(error.status_code, str(error.detail))
    return make_problem_response(kind, detail, request.url.path, headers=headers)


def _methods(request: Request) -> set[str]:
    """What the path takes, over all its routes: the framework names the first one's alone."""
    paths: dict[str, Any] = request.app.openapi()["paths"]
    return {
        method.upper()
        for path, endpoints in paths.items()
        if compile_path(path)[0].match(request.url.path)
        for method in endpoints
    }


def _handle_disconnect(request: Request, error: ClientDisconnect) -> Response:
    """Nobody reads this answer."""
    detail = "The connection ended before the whole body had come."
    return make_problem_response(types.BAD_REQUEST, detail, request.url.path)


def _handle_unexpected_error(request: Request, error: Exception) -> Response:
    # Starlette raises the error again after the answer, and the server logs it
    detail = "The service made a mistake; nothing of the request was kept, as far as it knows."
    return make_problem_response(types.INTERNAL, detail, request.url.path)
