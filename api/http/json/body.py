"""Routes with a JSON body, which is parsed once, before FastAPI validates it.

A large body is also validated here, in a thread: FastAPI validates on the event loop, which blocks
all other requests.
"""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool

from api.http.bodies.content_encoding import refuse_encoded_body
from api.http.bodies.large_bodies import take_turn_if_large
from api.http.bodies.media_types import get_media_type
from api.http.json.parser import PAUSE, parse_json
from api.http.route_options import get_route_options
from api.problems.handlers import UnsupportedMediaType
from api.settings import Settings
from application.submission.data_text import CutText, cut_data
from domain.errors import MOST_FAULTS, Fault, Invalid
from domain.json.text import count_keys

QUICK_BYTES = 256 * 1024
"""Largest body that is parsed on the event loop; a thread switch costs more than the parsing."""

MOST_CONTAINERS = 250_000
"""The most lists and objects of a body: the parser holds the interpreter while it makes them."""
MOST_KEYS = 200_000
"""The most keys of all objects of a body, for the same reason. 4 MiB of Keras's own JSON have about
170,000."""


@dataclass(frozen=True)
class ReceivedBody:
    """A body as it was received."""

    raw: bytes
    json: Any
    """The value, with an empty object in place of each object in `data`."""
    data: Mapping[str, bytes]
    """The texts of the objects with data, by field."""


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

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Returns FastAPI's handler, wrapped so that the body is parsed first."""
        handler = super().get_route_handler()
        if not any(
            dependency.call is get_received_body for dependency in self.dependant.dependencies
        ):
            return handler

        async def handle(request: Request) -> Response:
            refuse_encoded_body(request)
            async with take_turn_if_large(request, QUICK_BYTES) as receive:
                read = JsonRequest(request.scope, receive)
                await self._read(read)
                return await handler(read)

        return handle

    async def _read(self, request: JsonRequest) -> None:
        """Reads, parses and validates a body; a large one in a thread."""
        raw = await request.body()
        if raw:
            check_json_media_type(request)
        if len(raw) > QUICK_BYTES:
            request.received, request.validated = await run_in_threadpool(
                self._parse_and_validate, raw, request
            )
        else:
            request.received = self._parse(raw, request)
            request.validated = request.received.json

    def _parse_and_validate(self, raw: bytes, request: Request) -> tuple[ReceivedBody, Any]:
        """Returns a parsed body, and the endpoint's model of it (else its JSON)."""
        received = self._parse(raw, request)
        value = received.json
        kinds = [field.field_info.annotation for field in self.dependant.body_params]
        if len(kinds) != 1 or not (isinstance(kinds[0], type) and issubclass(kinds[0], BaseModel)):
            return received, value
        try:
            with PAUSE:
                return received, kinds[0].model_validate(value)
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)
            placed = [{**item, "loc": ("body", *item["loc"])} for item in found[:MOST_FAULTS]]
            raise RequestValidationError(placed, body=value) from error

    def _parse(self, raw: bytes, request: Request) -> ReceivedBody:
        """Parses a body, without its data.

        Raises:
            TooLarge: its fields without data are larger than a body without data may be.
            Invalid: it has too many lists and objects.
        """
        cut = CutText(raw, {})
        if fields := get_route_options(self).data_fields:
            settings: Settings = request.app.state.services.settings
            cut = cut_data(raw, fields, settings.max_definition_bytes)
        if cut.text.count(b"{") + cut.text.count(b"[") > MOST_CONTAINERS:
            detail = f"A body may have at most {MOST_CONTAINERS} lists and objects beside its data."
            raise Invalid([Fault(pointer="", detail=detail)])
        if count_keys(cut.text) > MOST_KEYS:
            detail = f"The objects of a body may have at most {MOST_KEYS} keys beside its data."
            raise Invalid([Fault(pointer="", detail=detail)])
        return ReceivedBody(raw, parse_json(cut.text), cut.data)


def check_json_media_type(request: Request) -> None:
    """Checks the Content-Type of a request.

    Raises:
        UnsupportedMediaType: it is not JSON.
    """
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
