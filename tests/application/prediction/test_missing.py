from typing import Any

import pytest

from application.prediction.missing import fill_rows
from domain.graph.summary import Tensor


@pytest.mark.parametrize(
    ("shape", "fill", "rows", "filled"),
    [
        ([], 3.0, [1, None], [1, 3.0]),
        ([1], 3.0, [None, [None], 2], [3.0, [3.0], 2]),
        ([2], [0.5, None], [[None, 1], [None, None]], [[0.5, 1], [0.5, None]]),
        ([3, 2], [0.5, 7], [[[None, 1], [2, None], [3, 4]]], [[[0.5, 1], [2, 7], [3, 4]]]),
        ([None], 0, [[None], [1, None]], [[0], [1, 0]]),
        ([], "nowhere", ["Ulm", None], ["Ulm", "nowhere"]),
        ([3, 1], [1.0, 2.0, 3.0], [[[None], [5], [None]]], [[[1.0], [5], [3.0]]]),
        ([2, 1], [[1.0], [2.0]], [[[None], [5]]], [[[1.0], [5]]]),
        ([2], [1.0, 2.0], [[None], None, 3], [[None], None, 3]),
    ],
)
def test_values_take_the_place_of_null(shape: Any, fill: Any, rows: Any, filled: Any) -> None:
    tensor = Tensor(name="x", shape=[None, *shape], dtype="float32")
    assert fill_rows(rows, tensor, fill) == filled
