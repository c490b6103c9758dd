"""Batches are read while the step before them computes."""

import threading
from typing import Any

import numpy as np
import pytest

from worker.training.rows.ahead import DEPTH, ReadAhead

SECONDS = 60
Array = np.ndarray[Any, Any]


def batches(count: int) -> list[Array]:
    return [np.arange(4) + 4 * i for i in range(count)]


def test_the_next_batches_are_read_while_one_is_used() -> None:
    """The test waits for reads of batches that nobody has asked for yet."""
    read = [threading.Event() for _ in range(6)]

    def read_rows(indices: Array) -> list[Array]:
        read[indices[0] // 4].set()
        return [indices * 10]

    ahead = ReadAhead(read_rows)
    ahead.follow(iter(batches(6)))
    for number, batch in enumerate(batches(6)):
        assert np.array_equal(ahead.take(batch)[0], batch * 10)
        for event in read[number + 1 : number + 1 + DEPTH]:
            assert event.wait(SECONDS)


def test_no_more_batches_are_read_than_the_depth() -> None:
    count = 0

    def read_rows(indices: Array) -> list[Array]:
        nonlocal count
        count += 1
        return [indices]

    ahead = ReadAhead(read_rows)
    ahead.follow(iter(batches(100)))
    ahead.take(batches(1)[0])
    ahead.follow(iter(()))
    assert count <= 1 + DEPTH


def test_batches_out_of_order_and_unknown_ones_are_read() -> None:
    ahead = ReadAhead(lambda indices: [indices + 1])
    first, second, third = batches(3)
    ahead.follow(iter([first, second]))
    for batch in (second, third, first):
        assert np.array_equal(ahead.take(batch)[0], batch + 1)


def test_an_error_of_a_read_is_raised_where_the_batch_is_taken() -> None:
    def fail(_: Array) -> list[Array]:
        raise OSError("gone")

    ahead = ReadAhead(fail)
    ahead.follow(iter(batches(1)))
    with pytest.raises(OSError, match="gone"):
        ahead.take(batches(1)[0])
