"""Wrong rows of a prediction cost little, however many there are."""

import json
from typing import Any

import numpy as np
import pytest
from ml_dtypes import bfloat16

from api.protocols.tf_serving import parse_request, serialize_outputs
from application.prediction.groups import Computed
from domain.errors import MOST_FAULTS, Invalid
from domain.graph.summary import Tensor
from tests.conftest import Counter

TWO = [
    Tensor(name="a", shape=[None, 1], dtype="float32"),
    Tensor(name="b", shape=[None, 1], dtype="float32"),
]
MANY = 50_000


def refuse(body: Any, most_rows: int = MANY) -> list[str]:
    with pytest.raises(Invalid) as raised:
        parse_request(body, TWO, most_rows)
    return [fault.pointer for fault in raised.value.faults]


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [{}] * MANY},
        {"instances": [3] * MANY},
        {"instances": [{f"c{i}": 1 for i in range(MANY)}]},
        {"inputs": {f"c{i}": [1] for i in range(MANY)}},
        {"instances": [{"a": 1, "b": 1}], **{f"c{i}": 1 for i in range(MANY)}},
        {"instances": [{"a": "x", "b": []}] * MANY},
    ],
)
def test_the_search_for_faults_ends_at_a_hundred(body: Any, made_faults: Counter) -> None:
    assert 0 < len(refuse(body)) <= MOST_FAULTS
    assert made_faults.count <= MOST_FAULTS


@pytest.mark.parametrize("form", ["instances", "inputs"])
def test_too_many_rows_are_refused_before_they_are_looked_at(
    form: str, made_faults: Counter
) -> None:
    wrong: list[Any] = [None] * 1_000
    rows = wrong if form == "instances" else {"a": wrong, "b": wrong}
    assert refuse({form: rows}, most_rows=999) == [f"/{form}"]
    assert made_faults.count == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float16, bfloat16])
def test_numbers_that_are_not_finite_are_marked(dtype: Any) -> None:
    values = np.array([[1.5], [np.nan], [-np.inf]]).astype(dtype)
    raw = serialize_outputs("instances", [Computed({"y": values})])
    assert json.loads(raw) == {
        "predictions": [[1.5], [None], [None]],
        "non_finite": {"/predictions/1/0": "NaN", "/predictions/2/0": "-Infinity"},
    }
