"""Routes whose body is JSON: read once, by our own reader, before FastAPI sees it."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from api.media_types import media_type_of
from api.parsing import json_of
from api.problem_handlers import UnsupportedMediaType

QUICK_BYTES = 256 * 1024
"""Below this a body is read faster than a thread is found for it."""


@dataclass(frozen=True)
class Sent:
    """A body as it was sent."""

    raw: bytes
    json: Any


class JsonRequest(Request):
    """A request whose body has been read."""

    sent: Sent

    async def json(self) -> Any:
        """What FastAPI validates."""
        return self.sent.json


class JsonRoute(APIRoute):
    """A route that takes `application/json`, where its endpoint asks for `SentBody`."""

    def at_once(self, request: JsonRequest) -> Response | None:
        """An answer that needs neither dependencies nor a thread, if there is one."""
        return None

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, behind our reader."""
        handler = super().get_route_handler()
        if not any(asked.call is sent_body for asked in self.dependant.dependencies):
            return handler

        async def handle(request: Request) -> Response:
            read = JsonRequest(request.scope, request.receive)
            raw = await read.body()
            if raw:
                _check_media_type(request)
            in_thread = len(raw) > QUICK_BYTES
            value = await run_in_threadpool(json_of, raw) if in_thread else json_of(raw)
            read.sent = Sent(raw, value)
            return self.at_once(read) or await handler(read)

        return handle


def _check_media_type(request: Request) -> None:
    if request.headers.get("content-type") == "application/json":
        return
    media_type = media_type_of(request)
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaType(
            "Only JSON is taken here: send `Content-Type: application/json`."
        )


async def sent_body(request: Request) -> Sent:
    """The body as it was sent, for pointers into it and for its fingerprint."""
    assert isinstance(request, JsonRequest)
    return request.sent


SentBody = Annotated[Sent, Depends(sent_body)]
