"""Items that are read in a thread."""

import threading
from collections.abc import Iterator

import pytest

from models_store.datasets.formats.tables.ahead import reading_ahead


def test_the_items_are_the_same_in_the_same_order() -> None:
    with reading_ahead(range(1000)) as items:
        assert list(items) == list(range(1000))
    none: list[int] = []
    with reading_ahead(none) as items:
        assert not list(items)


def test_one_item_is_read_ahead_in_another_thread() -> None:
    read = threading.Semaphore(0)
    threads = set()

    def make_items() -> Iterator[int]:
        for item in range(10):
            threads.add(threading.get_ident())
            read.release()
            yield item

    with reading_ahead(make_items()) as items:
        assert next(items) == 0
        assert read.acquire(timeout=60)
        assert read.acquire(timeout=60)  # the second item, which was not asked for yet
        assert next(items) == 1
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_an_error_is_raised_in_the_place_of_its_item() -> None:
    def make_items() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("damaged")

    found: list[int] = []
    with reading_ahead(make_items()) as items, pytest.raises(ValueError, match="damaged"):
        found.extend(items)  # the items before the error are added
    assert found == [1, 2]


def test_the_thread_ends_when_the_consumer_fails() -> None:
    closed = threading.Event()
    used_after: list[bool] = []

    def make_items() -> Iterator[int]:
        for item in range(10):
            used_after.append(closed.is_set())
            yield item

    def consume() -> None:
        with reading_ahead(make_items()) as items:
            raise KeyError(next(items))

    with pytest.raises(KeyError):
        consume()
    closed.set()
    assert used_after
    assert not any(used_after)
