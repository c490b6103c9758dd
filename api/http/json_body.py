"""Routes whose body is JSON: read once, by our own reader, before FastAPI sees it.

A large one is also validated there, in a thread: FastAPI would do it on the event loop, where
every other request waits for it.
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
"""Below this a body is read faster than a thread is found for it."""


@dataclass(frozen=True)
class ReceivedBody:
    """A body as it was sent."""

    raw: bytes
    json: Any


class JsonRequest(Request):
    """A request whose body has been read."""

    received: ReceivedBody
    validated: Any
    """The JSON, or a model of it that has been validated and is not again."""

    async def json(self) -> Any:
        """What FastAPI validates."""
        return self.validated


class JsonRoute(APIRoute):
    """A route that takes `application/json`, where its endpoint asks for `CurrentBody`."""

    def respond_early(self, request: JsonRequest) -> Response | None:
        """An answer that needs neither dependencies nor a thread, if there is one."""
        return None

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, behind our reader."""
        handler = super().get_route_handler()
        if not any(asked.call is get_received_body for asked in self.dependant.dependencies):
            return handler

        async def handle(request: Request) -> Response:
            read = JsonRequest(request.scope, request.receive)
            raw = await read.body()
            if raw:
                _check_media_type(request)
            if len(raw) > QUICK_BYTES:
                value, read.validated = await run_in_threadpool(self._validated, raw)
            else:
                value = read.validated = parse_json(raw)
            read.received = ReceivedBody(raw, value)
            return self.respond_early(read) or await handler(read)

        return handle

    def _validated(self, raw: bytes) -> tuple[Any, Any]:
        """A body's JSON, and the model of it that the endpoint asks for, if it does."""
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
            "Only JSON is taken here: send `Content-Type: application/json`."
        )


async def get_received_body(request: Request) -> ReceivedBody:
    """The body as it was sent, for pointers into it and for its fingerprint."""
    assert isinstance(request, JsonRequest)
    return request.received


CurrentBody = Annotated[ReceivedBody, Depends(get_received_body)]
