"""Routes with a JSON body, which is parsed once, before FastAPI validates it.

A large body is also validated here, in a thread: FastAPI validates on the event loop, which blocks
all other requests.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool

from api.http.json_parser import parse_json
from api.http.media_types import get_media_type
from api.problems.handlers import UnsupportedMediaType
from domain.errors import MOST_FAULTS

QUICK_BYTES = 256 * 1024
"""Largest body that is parsed on the event loop; a thread switch costs more than the parsing."""


@dataclass(frozen=True)
class ReceivedBody:
    """A body as it was received."""

    raw: bytes
    json: Any


class JsonRequest(Request):
    """A request whose body has been read and parsed."""

    received: ReceivedBody
    validated: Any
    """The parsed JSON, or its validated model, which FastAPI does not validate again."""

    async def json(self) -> Any:
        """Returns the value that FastAPI validates."""
        return self.validated


class JsonRoute(APIRoute):
    """A route that accepts `application/json` if its endpoint has a `CurrentBody` parameter."""

    def respond_early(self, request: JsonRequest) -> Response | None:
        """Returns a response without dependencies and threads, or None if that is impossible."""
        return None

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Returns FastAPI's handler, wrapped so that the body is parsed first."""
        handler = super().get_route_handler()
        if not any(
            dependency.call is get_received_body for dependency in self.dependant.dependencies
        ):
            return handler

        async def handle(request: Request) -> Response:
            read = JsonRequest(request.scope, request.receive)
            raw = await read.body()
            if raw:
                _check_media_type(request)
            if len(raw) > QUICK_BYTES:
                value, read.validated = await run_in_threadpool(self._parse_and_validate, raw)
            else:
                value = read.validated = parse_json(raw)
            read.received = ReceivedBody(raw, value)
            return self.respond_early(read) or await handler(read)

        return handle

    def _parse_and_validate(self, raw: bytes) -> tuple[Any, Any]:
        """Returns the JSON of a body, and the endpoint's model of it (else the JSON again)."""
        value = parse_json(raw)
        kinds = [field.field_info.annotation for field in self.dependant.body_params]
        if len(kinds) != 1 or not (isinstance(kinds[0], type) and issubclass(kinds[0], BaseModel)):
            return value, value
        try:
            return value, kinds[0].model_validate(value)
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)
            placed = [{**item, "loc": ("body", *item["loc"])} for item in found[:MOST_FAULTS]]
            raise RequestValidationError(placed, body=value) from error


def _check_media_type(request: Request) -> None:
    if request.headers.get("content-type") == "application/json":
        return
    media_type = get_media_type(request)
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaType(
            "This address accepts only JSON: send `Content-Type: application/json`."
        )


async def get_received_body(request: Request) -> ReceivedBody:
    """Returns the body as it was received, for pointers into it and for its fingerprint."""
    assert isinstance(request, JsonRequest)
    return request.received


CurrentBody = Annotated[ReceivedBody, Depends(get_received_body)]
