"""`/v1/jobs/{id}/events`: pages of events, or a live stream."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from starlette.concurrency import run_in_threadpool

from api.access.principal import CurrentPrincipal, Principal
from api.dependencies.parameters import JobPath, Parts, Services
from api.http.job_snapshots import FRESH_SECONDS
from api.http.json_response import encode_json, make_json_response
from api.http.schemas import Events
from api.problems.openapi_responses import READS
from api.routes.jobs import get_snapshot
from domain.errors import Busy, Fault, Invalid, NotFound
from domain.event import Event
from models_store.jobs import jobs
from models_store.records import events

log = logging.getLogger(__name__)
router = APIRouter(prefix="/v1/jobs", tags=["jobs"])
STREAM = "text/event-stream"
KEEP_ALIVE_SECONDS = 15.0
BATCH = 500

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
EventPage = Annotated[int, Query(ge=1, le=1000, description="The number of events on a page.")]


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
        **READS,
    },
)
async def get_events(
    job_id: JobPath,
    parts: Parts,
    principal: CurrentPrincipal,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
    last_event_id: LastEventId = None,
    cursor: EventCursor = None,
    page_size: EventPage = 100,
) -> Response:
    """Returns the events of a job in order: states, epochs, warnings.

    The stream sends each event when it happens, with its id; `Last-Event-ID` resumes after it.
    """
    if STREAM in accept:
        after = _parse_event_id(last_event_id, "Last-Event-ID")
        await get_snapshot(parts, principal, job_id)
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        stream = _end_on_busy(_stream_events(parts, principal, job_id, after))
        return StreamingResponse(stream, media_type=STREAM, headers=headers)
    after = _parse_event_id(cursor, "cursor")
    found = await run_in_threadpool(_read_events, parts, principal, job_id, after, page_size + 1)
    more = len(found) > page_size
    page = found[:page_size]
    return make_json_response(Events(items=page, next_cursor=str(page[-1].id) if more else None))


def _parse_event_id(text: str | None, name: str) -> int:
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid([Fault(pointer="", detail=f"`{name}` is not the id of an event.")])
    return int(text)


def _read_events(
    parts: Services, principal: Principal, job_id: str, after: int, size: int
) -> list[Event]:
    with parts.database.read() as connection:
        jobs.get_row(connection, principal.owner, job_id)
        return events.get_after(connection, principal.owner, job_id, after, size)


async def _end_on_busy(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Ends the stream if the database fails; clients then reconnect after `retry` milliseconds."""
    try:
        async for sent in stream:
            yield sent
    except Busy as busy:
        log.warning("a stream of events ends early: %s", busy.detail)


async def _stream_events(
    parts: Services, principal: Principal, job_id: str, after: int
) -> AsyncIterator[bytes]:
    """Yields events as they happen, until the job, the key or the stream's lifetime ends."""
    end = time.monotonic() + parts.settings.stream_seconds
    version, sent_at = -1, time.monotonic()
    yield format_sse_event(retry=1000)
    while time.monotonic() < end and await principal.is_valid():
        try:
            snapshot = await get_snapshot(parts, principal, job_id)
        except NotFound:  # the job was deleted during the stream
            return
        if snapshot.version != version:
            while found := await run_in_threadpool(
                _read_events, parts, principal, job_id, after, BATCH
            ):
                for event in found:
                    yield _format_event(event)
                after, sent_at = found[-1].id, time.monotonic()
            if snapshot.is_terminal:
                return
            version = snapshot.version
        elif time.monotonic() - sent_at > KEEP_ALIVE_SECONDS:
            yield format_sse_event(comment="still here")
            sent_at = time.monotonic()
        await asyncio.sleep(FRESH_SECONDS)


def _format_event(event: Event) -> bytes:
    data = encode_json(event).decode()
    return format_sse_event(data_str=data, event=event.type, id=str(event.id))
