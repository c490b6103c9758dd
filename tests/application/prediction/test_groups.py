"""Rows of differing length are computed in groups of equal shapes, without padding."""

from typing import Any

import numpy as np
import pytest

from application.prediction.arrays import Arrays, list_rows
from application.prediction.computation import Limits
from application.prediction.groups import (
    Computed,
    compute_groups,
    join_rows,
    list_outputs,
    parse_groups,
)
from application.prediction.signature import Signature
from domain.errors import Invalid
from domain.graph.summary import Tensor
from domain.graph.walk import Place


def locate(name: str, row: int) -> Place:
    return ("instances", row, name)


def parse(values: dict[str, list[Any]], *tensors: Tensor) -> list[Any]:
    return parse_groups(values, tensors, ("instances",), locate)


X = Tensor(name="x", shape=[None, None], dtype="int32")
PIXELS = Tensor(name="p", shape=[None, None, 2], dtype="float32")
WORDS = Tensor(name="w", shape=[None, None], dtype="string")
SUM = Tensor(name="y", shape=[None, None], dtype="float32")


def test_rows_of_equal_shape_are_one_group() -> None:
    (group,) = parse({"x": [[1, 2], [3, 4]]}, X)
    assert group.indices is None
    assert group.rows.arrays["x"].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("tensor", "rows"),
    [
        (X, [[1], [2, 3], [4], [5, 6, 7], [8, 9]]),
        (WORDS, [["a"], ["b", "c"], ["d"]]),
        (PIXELS, [[[1, 2]], [[3, 4], [5, 6]], [[7, 8]]]),
    ],
)
def test_rows_that_differ_in_length_are_grouped_and_put_in_order(
    tensor: Tensor, rows: list[Any]
) -> None:
    groups = parse({tensor.name: rows}, tensor)
    assert len(groups) == len({len(row) for row in rows})
    computed = [Computed(group.rows.arrays, group.indices) for group in groups]
    assert join_rows(computed, list_outputs)[tensor.name] == rows


def test_each_group_is_computed_by_itself() -> None:
    signature = Signature([X], [SUM], {}, 1, {})
    groups = parse({"x": [[1], [2, 3], [4]]}, X)
    seen: list[list[list[int]]] = []

    def run(arrays: Arrays, _: int) -> Arrays:
        seen.append(list_rows(arrays["x"]))
        return {"y": arrays["x"].cumsum(axis=1).astype(np.float32)}

    computed = compute_groups(signature, groups, Limits(10, 100, 1_000), run)
    assert seen == [[[1], [4]], [[2, 3]]]
    assert join_rows(computed, list_outputs) == {"y": [[1], [2, 5], [4]]}
    with pytest.raises(Invalid, match="MAX_PREDICT_VALUES"):
        compute_groups(signature, groups, Limits(10, 3, 1_000), run)


def test_faults_have_the_place_of_their_row() -> None:
    with pytest.raises(Invalid) as error:
        parse({"x": [[1], [2, "b"], [3]]}, X)
    assert [fault.pointer for fault in error.value.faults] == ["/instances/1/x/1"]
    inner = [[[1.0, 2.0]], [[3.0], [4.0, 5.0]]]
    images = Tensor(name="p", shape=[None, None, None], dtype="float32")
    with pytest.raises(Invalid) as error:
        parse({"p": inner}, images)
    assert error.value.faults[0].pointer == "/instances/1/p"
    assert "differ in length" in error.value.faults[0].detail
