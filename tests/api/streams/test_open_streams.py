"""The number of open streams of an owner, and the reader that the streams of a job share."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from api.settings import Settings
from api.streams.event_reader import EventSource
from api.streams.open_streams import OpenStreams
from domain.errors import Busy
from tests.api.streams.test_event_reader import Job
from tests.support.api_server import Server
from tests.support.queued_jobs import queue
from tests.support.service import until

STREAM = {"Accept": "text/event-stream"}


def test_each_owner_has_a_number_of_streams() -> None:
    streams = OpenStreams(2)
    streams.open("anna")
    streams.open("anna")
    streams.open("ben")
    with pytest.raises(Busy, match=r"At most 2 .*MAX_EVENT_STREAMS") as raised:
        streams.open("anna")
    assert raised.value.retry_after > 0
    streams.close("anna")
    streams.open("anna")


def test_the_reader_of_a_job_runs_while_a_stream_follows_it() -> None:
    async def work() -> None:
        streams, made = OpenStreams(9), 0
        job = Job()

        def make_source() -> EventSource:
            nonlocal made
            made += 1
            return job.source()

        async with AsyncExitStack() as stack:
            readers = [
                await stack.enter_async_context(streams.join(("anna", "a"), make_source))
                for _ in range(3)
            ]
            other = await stack.enter_async_context(streams.join(("ben", "a"), make_source))
            assert made == 2
            assert len({id(reader) for reader in readers}) == 1
            assert other is not readers[0]
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert other.is_over
        assert readers[0].is_over
        async with streams.join(("anna", "a"), make_source) as again:
            assert made == 3
            assert again is not readers[0]

    asyncio.run(work())


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("streams")
    running = Server(folder, Settings(max_event_streams=2, max_page_bytes=2_000))
    yield running
    running.stop()


def test_a_stream_too_many_is_busy_until_another_is_closed(small: Server) -> None:
    with small.parts.database.write() as connection:
        job_id = queue(connection)
    address = f"{small.address}/v1/jobs/{job_id}/events"
    with httpx.stream("GET", address, headers=STREAM) as first:
        assert first.status_code == 200
        with httpx.stream("GET", address, headers=STREAM) as second:
            assert second.status_code == 200
            refused = httpx.get(address, headers=STREAM)
            assert refused.status_code == 503
            assert "MAX_EVENT_STREAMS" in refused.json()["detail"]
            assert int(refused.headers["retry-after"]) > 0
            assert httpx.get(address).status_code == 200  # pages are always there
            assert httpx.head(address, headers=STREAM).status_code == 200

        def opens() -> bool | None:
            with httpx.stream("GET", address, headers=STREAM) as again:
                return again.status_code == 200 or None

        until(opens, "a place for another stream")


def test_a_list_of_large_items_has_several_pages(small: Server) -> None:
    metadata = {f"k{i}": "x" * 100 for i in range(10)}
    with small.parts.database.write() as connection:
        ids = {queue(connection, metadata=metadata) for _ in range(3)}
    found, address, pages = [], "/v1/jobs", 0
    while address:
        answer = small.client.get(address)
        found += [item["id"] for item in answer.json()["items"]]
        address = answer.links["next"]["url"] if "next" in answer.links else ""
        assert (answer.json()["next_cursor"] is None) == (not address)
        pages += 1
    assert ids <= {*found}
    assert len(found) == len({*found})
    assert pages >= 3
