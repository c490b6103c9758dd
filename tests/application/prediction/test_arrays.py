"""JSON values become arrays."""

import tracemalloc

import numpy as np
import pytest

from application.prediction.arrays import DifferentShapes, parse_rows
from domain.errors import Invalid
from domain.graph.summary import Tensor
from domain.graph.walk import Place


def make_text(*shape: int | None) -> Tensor:
    return Tensor(name="x", shape=[None, *shape], dtype="string")


def locate(name: str, row: int) -> Place:
    return "rows", row


def test_a_long_text_takes_no_memory_for_the_others() -> None:
    rows = ["a" * 1_000_000, *(["b"] * 2_000)]
    tracemalloc.start()
    array = parse_rows(rows, make_text(), locate)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert array.tolist() == rows
    assert peak < 10_000_000


def test_texts_are_kept_as_they_are() -> None:
    rows = [["a\0", ""], [" b ", "é"]]
    array = parse_rows(rows, make_text(None), locate)
    assert (array.shape, array.dtype, array.tolist()) == ((2, 2), np.dtype(object), rows)
    assert parse_rows(["a", ["b"]], make_text(1), locate).tolist() == [["a"], ["b"]]


@pytest.mark.parametrize("rows", [[["a", 1]], ["a"], [["a"], [["b"]]], [["a"], None]])
def test_values_that_are_no_text_are_refused(rows: list[object]) -> None:
    with pytest.raises(Invalid) as caught:
        parse_rows(rows, make_text(None), locate)
    assert not isinstance(caught.value, DifferentShapes)


def test_rows_of_texts_may_differ_in_length() -> None:
    with pytest.raises(DifferentShapes):
        parse_rows([["a"], ["b", "c"]], make_text(None), locate)
