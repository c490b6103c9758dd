"""Constants in Keras's JSON keep their dtype, so our model computes in the same dtype."""

import json
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from compiler.keras_json.write import write
from compiler.model.build import build
from domain.graph.language import Blueprint
from tests.compiler.keras_json.restored import (
    find_faults,
    read_definition,
    read_graph_json,
    restore,
)

CALLS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "int64 array": lambda i, h, f: i * np.array([1, 2]),
    "int64 array beside floats": lambda i, h, f: f * np.array([1, 2]),
    "float64 array": lambda i, h, f: f * np.array([0.1, 2.0]),
    "float32 array of whole numbers": lambda i, h, f: i * np.array([1, 2], "float32"),
    "float16 array": lambda i, h, f: i * np.array([1, 2], "float16"),
    "uint8 array": lambda i, h, f: ops.cast(i, "uint8") + np.array([1, 2], "uint8"),
    "bool array": lambda i, h, f: i * np.array([True, False]),
    "lowest int32": lambda i, h, f: i + np.array([-(2**31), 1], "int32"),
    "large int64": lambda i, h, f: i + np.array([2**40, 1]),
    "empty array": lambda i, h, f: f[:, :0] + np.zeros((0,)),
    "float": lambda i, h, f: i * 2.0,
    "int": lambda i, h, f: h * 2,
    "numpy's numbers": lambda i, h, f: h * np.float64(0.5) + np.float32(0.25),
    "float32 number": lambda i, h, f: h + ops.convert_to_tensor(2.0, "float32"),
    "int64 number": lambda i, h, f: i + ops.convert_to_tensor(2, "int64"),
    "float64 tensor": lambda i, h, f: ops.where(i > 1, h, ops.cast([0.1, 2.0], "float64")),
    "indices": lambda i, h, f: ops.take(h, np.array([1, 0]), axis=1),
}  # fmt: skip
ROWS = [
    np.array([[1, 2], [3, 4]], "int32"),
    np.array([[1, 2], [3, 4]], "float16"),
    np.array([[1, 2], [3, 4]], "float32"),
]


def write_document(call: Callable[[Any, Any, Any], Any]) -> str:
    i, h, f = (keras.Input((2,), dtype=rows.dtype.name, name=rows.dtype.name) for rows in ROWS)
    return str(keras.Model([i, h, f], [call(i, h, f), i, h, f]).to_json())


@pytest.fixture(autouse=True)
def _fresh_names() -> None:
    keras.utils.clear_session(free_memory=False)


@pytest.mark.parametrize("case", CALLS)
def test_constant_keeps_its_dtype(case: str) -> None:
    text = write_document(CALLS[case])
    wanted, *_ = keras.models.model_from_json(text)(ROWS)
    read = read_definition(text)
    rewritten = write(Blueprint(definition=read)).keras_json
    again = keras.models.model_from_json(json.dumps(rewritten))
    stored = type(read).model_validate_json(read.model_dump_json(by_alias=True))
    for model in (restore(text).model, build(Blueprint(definition=stored), None).model, again):
        got = next(iter(model(ROWS).values()))
        assert got.dtype == wanted.dtype
        np.testing.assert_array_equal(got, wanted)


def test_dtype_is_written_only_if_a_list_implies_another() -> None:
    def constant(array: Any) -> Any:
        return read_graph_json(write_document(lambda i, h, f: f * array))["nodes"][0]["config"][
            "x2"
        ]

    assert repr(constant(np.array([1, 2], "float32"))) == "[1.0, 2.0]"
    assert repr(constant(np.array([1, 2], "int32"))) == "[1, 2]"
    assert repr(constant(2.0)) == "2.0"
    assert constant(np.array([1, 2])) == {"dtype": "int64", "value": [1, 2]}


@pytest.mark.parametrize(
    "config",
    [
        {"value": [300], "dtype": "uint8"},
        {"value": [0.5], "dtype": "int32"},
        {"value": [1e300], "dtype": "float16"},
        {"value": [1.0], "dtype": "complex64"},
        {"value": ["1"], "dtype": "float32"},
        {"value": [[1], [1, 2]], "dtype": "int64"},
        {"dtype": "int64"},
    ],
)
def test_numbers_outside_their_dtype_are_refused(config: Any) -> None:
    given = json.loads(write_document(lambda i, h, f: f * np.array([1, 2])))
    layers = given["config"]["layers"]
    number = next(i for i, layer in enumerate(layers) if layer["class_name"] == "Multiply")
    constant = {"class_name": "__numpy__", "config": config}
    layers[number]["inbound_nodes"][0]["args"][1] = constant
    (place,) = [
        p for p, detail in find_faults(given).items() if detail.startswith("A constant must be")
    ]
    assert place == f"/config/layers/{number}/inbound_nodes/0/args/1/config"
