"""`/v1/jobs/{id}/events`: pages of events, or a live stream."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from typing import Annotated, Concatenate, ParamSpec, TypeVar

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.sse import format_sse_event
from starlette.concurrency import run_in_threadpool
from starlette.types import Scope

from api.access.principal import CurrentPrincipal, Principal
from api.dependencies.parameters import JobPath, Parts, Services
from api.http.accept import choose_media_type
from api.http.head import is_head
from api.http.job_snapshots import FRESH_SECONDS
from api.http.json.response import encode_json
from api.http.page_response import make_page_response
from api.http.schemas import Events
from api.problems.openapi_responses import READS
from api.routes.jobs import get_snapshot
from api.streams.event_reader import EncodedEvent, EventSource
from api.streams.open_streams import HEADERS, EventStreamResponse
from domain.errors import Busy, Fault, Invalid
from domain.event import Event
from models_store.jobs import jobs
from models_store.records import events
from models_store.records.events import EventPage

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])
P = ParamSpec("P")
T = TypeVar("T")
JSON, STREAM = "application/json", "text/event-stream"
KEEP_ALIVE_SECONDS = 15.0
BATCH = 500
"""The largest number of events that a stream reads at once."""

LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        description="The last event that the client received; a stream continues after it.",
    ),
]
EventCursor = Annotated[
    str | None, Query(description="The `next_cursor` of the previous page, or the id of an event.")
]
PageSize = Annotated[
    int, Query(ge=1, le=1000, description="The largest number of events on a page.")
]


@router.get(
    "/{id}/events",
    summary="Follow a job's events",
    response_model=Events,
    responses={
        200: {
            "description": "A page, or with `Accept: text/event-stream` a live stream that ends "
            "with the job.",
            "content": {STREAM: {"schema": {"type": "string"}}},
        },
        204: {"description": "The stream after `Last-Event-ID` is empty, since the job has ended."},
        **READS,
    },
)
async def list_job_events(
    request: Request,
    job_id: JobPath,
    parts: Parts,
    principal: CurrentPrincipal,
    last_event_id: LastEventId = None,
    cursor: EventCursor = None,
    page_size: PageSize = 100,
) -> Response:
    """Returns the events of a job in order: states, epochs, warnings.

    The stream sends each event when it happens, with its id; `Last-Event-ID` resumes after it.
    """
    if choose_media_type(request.headers.getlist("accept"), (JSON, STREAM)) == STREAM:
        return await _make_stream(request, parts, principal, job_id, last_event_id)
    after = _parse_event_id(cursor, "cursor")
    page = await _run(request.scope, _read_page, parts, principal, job_id, after, page_size)
    cursor = str(page.events[-1].id) if page.has_more else None
    return make_page_response(request, Events(items=page.events, next_cursor=cursor))


async def _make_stream(
    request: Request,
    parts: Services,
    principal: Principal,
    job_id: str,
    last_event_id: str | None,
) -> Response:
    """Returns the stream after an event, or 204 if the client has every event of an ended job.

    A browser's EventSource reconnects after the end of a stream, and stops at a 204.
    """
    after = _parse_event_id(last_event_id, "Last-Event-ID")
    snapshot = await get_snapshot(parts, principal, job_id)
    if snapshot.is_terminal and last_event_id is not None:
        page = await _run(request.scope, _read_page, parts, principal, job_id, after, 1)
        if not page.events:
            return Response(status_code=204)
    if is_head(request.scope):
        return Response(media_type=STREAM, headers=HEADERS)
    parts.streams.open(principal.owner)
    stream = _stream_events(parts, principal, job_id, after)
    return EventStreamResponse(stream, partial(parts.streams.close, principal.owner))


def _parse_event_id(text: str | None, name: str) -> int:
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid([Fault(pointer="", detail=f"`{name}` is not the id of an event.")])
    return int(text)


async def _run(
    scope: Scope | None,
    read: Callable[Concatenate[Services, Principal, P], T],
    parts: Services,
    principal: Principal,
    *arguments: P.args,
    **options: P.kwargs,
) -> T:
    """Reads in a thread, in turns with the reads of other streams and polls of the owner.

    Streams share a read, which belongs to no request and has no scope.
    """
    async with parts.poll_turns.take(principal.owner, scope):
        return await run_in_threadpool(read, parts, principal, *arguments, **options)


def _read_page(
    parts: Services, principal: Principal, job_id: str, after: int, size: int
) -> EventPage:
    with parts.database.read() as connection:
        jobs.get_row(connection, principal.owner, job_id)
        most_bytes = parts.settings.max_page_bytes
        return events.get_page(connection, principal.owner, job_id, after, size, most_bytes)


def _make_source(parts: Services, principal: Principal, job_id: str) -> EventSource:
    """Returns the functions with which the reader of a job reads it."""

    async def find_newest() -> int:
        return await _run(None, _find_newest, parts, principal, job_id)

    async def read_page(after: int) -> list[EncodedEvent]:
        return await _run(None, _read_encoded, parts, principal, job_id, after)

    return EventSource(partial(get_snapshot, parts, principal, job_id), find_newest, read_page)


def _find_newest(parts: Services, principal: Principal, job_id: str) -> int:
    with parts.database.read() as connection:
        return events.get_newest(connection, principal.owner, job_id)


def _read_encoded(
    parts: Services, principal: Principal, job_id: str, after: int
) -> list[EncodedEvent]:
    page = _read_page(parts, principal, job_id, after, BATCH)
    return [EncodedEvent(event.id, _format_event(event)) for event in page.events]


async def _stream_events(
    parts: Services, principal: Principal, job_id: str, after: int
) -> AsyncIterator[bytes]:
    """Yields events as they happen, until the job, the key or the stream's lifetime ends.

    If the database fails, the stream ends; clients then reconnect after `retry` milliseconds.
    """
    end = time.monotonic() + parts.settings.stream_seconds
    sent_at = time.monotonic()
    yield format_sse_event(retry=1000)
    source = partial(_make_source, parts, principal, job_id)
    with suppress(Busy):
        async with parts.streams.join((principal.owner, job_id), source) as reader:
            async for page in reader.follow(after, FRESH_SECONDS):
                for event in page:
                    yield event.text
                now = time.monotonic()
                if page:
                    sent_at = now
                elif now - sent_at > KEEP_ALIVE_SECONDS:
                    yield format_sse_event(comment="still here")
                    sent_at = now
                if now > end or not await principal.is_valid():
                    return


def _format_event(event: Event) -> bytes:
    data = encode_json(event).decode()
    return format_sse_event(data_str=data, event=event.type, id=str(event.id))
