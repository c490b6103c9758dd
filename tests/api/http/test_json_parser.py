"""Large bodies are parsed without garbage collections, which would walk all of their objects."""

import gc
import threading
from collections.abc import Iterator

import pytest

from api.http.json.parser import LARGE_BYTES, parse_json
from domain.errors import NotJson


@pytest.fixture
def collections() -> Iterator[list[str]]:
    """The collections that begin during a test."""
    found: list[str] = []

    def note(phase: str, _: object) -> None:
        if phase == "start":
            found.append(phase)

    gc.collect()
    gc.callbacks.append(note)
    yield found
    gc.callbacks.remove(note)


def make_lists(count: int) -> bytes:
    return b"[" + b"[]," * (count - 1) + b"[]]"


def test_no_collection_runs_while_a_large_body_is_parsed(collections: list[str]) -> None:
    raw = make_lists(LARGE_BYTES)
    assert len(parse_json(raw)) == LARGE_BYTES
    assert len(collections) <= 2  # of what the rest of the test makes
    assert gc.isenabled()


def test_the_collector_runs_again_after_an_error() -> None:
    with pytest.raises(NotJson):
        parse_json(make_lists(LARGE_BYTES)[:-1])
    assert gc.isenabled()


def test_the_collector_rests_until_the_last_thread_has_parsed() -> None:
    raw = make_lists(LARGE_BYTES)
    lengths: list[int] = []
    threads = [
        threading.Thread(target=lambda: lengths.append(len(parse_json(raw)))) for _ in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lengths == [LARGE_BYTES] * 4
    assert gc.isenabled()
