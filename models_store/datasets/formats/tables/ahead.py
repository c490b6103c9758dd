"""Reads items in a thread while their consumer works with the ones before."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")


@contextmanager
def reading_ahead(items: Iterable[Item]) -> Iterator[Iterator[Item]]:
    """Gives the same items in the same order; the next one is read in a thread.

    At most one item waits. An error of the iterator is raised in the place of its item. When the
    `with` block ends, the thread has ended, so that the source of the items can be closed.

    Args:
        items: The items, none of which is None.
    """
    with ThreadPoolExecutor(1) as thread:
        yield _read_ahead(iter(items), thread)


def _read_ahead(items: Iterator[Item], thread: ThreadPoolExecutor) -> Iterator[Item]:
    pending = thread.submit(next, items, None)
    while (item := pending.result()) is not None:
        pending = thread.submit(next, items, None)
        yield item
