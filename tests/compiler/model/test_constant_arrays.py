"""The initializer `Constant` takes an array of the weight's own shape."""

import json
import time
from typing import Any

import keras
import numpy as np
import pytest

from compiler.catalogue.families import INITIALIZERS
from domain.errors import Invalid
from tests.compiler.graphs import build_graph, graph, layer, node
from tests.compiler.test_check import check_json

MATRIX = [[0.7879999876022339, 0.844, 0.076], [-1.427, -0.135, -0.77], [0.5, 1.5, -2.0]]


def constant(value: Any) -> dict[str, Any]:
    return {"type": "Constant", "config": {"value": value}}


def embedding(value: Any, **config: Any) -> dict[str, Any]:
    made = layer(
        "Embedding", input_dim=3, output_dim=3, embeddings_initializer=constant(value), **config
    )
    inputs = [{"name": "x", "shape": [2], "dtype": "int32"}]
    return {**graph({"x": [2]}, [node("y", made, "x")], ["y"]), "inputs": inputs}


def test_an_array_fills_the_weight_exactly() -> None:
    built = build_graph(embedding(MATRIX, trainable=False))
    (weights,) = built.model.get_weights()
    assert np.array_equal(weights, np.array(MATRIX, np.float32))


def test_plain_keras_reads_the_array_in_the_models_json() -> None:
    built = build_graph(embedding(MATRIX))
    again = keras.models.model_from_json(built.model.to_json())
    assert np.array_equal(again.get_weights()[0], np.array(MATRIX, np.float32))


@pytest.mark.parametrize("value", [[0.5, 0.5, 0.5], [[0.5], [0.5], [0.5]], [MATRIX], [[0.5]]])
def test_an_array_of_another_shape_is_refused_before_a_job(value: Any) -> None:
    result = check_json(embedding(value))
    (fault,) = result["faults"]
    assert "The array of Constant has the shape" in fault["detail"]
    assert fault["pointer"].startswith("/nodes/0")


def test_an_array_for_a_part_of_a_bias_is_refused() -> None:
    bias = constant([0.1] * 8)
    for made in (
        layer("LSTM", units=2, bias_initializer=bias),
        layer("Bidirectional", layer=layer("LSTM", units=2, bias_initializer=bias)),
    ):
        definition = graph({"x": [3, 2]}, [node("y", made, "x")], ["y"])
        (fault,) = check_json(definition)["faults"]
        assert "unit_forget_bias" in fault["detail"]
    plain = layer("LSTM", units=2, bias_initializer=bias, unit_forget_bias=False)
    definition = graph({"x": [3, 2]}, [node("y", plain, "x")], ["y"])
    assert check_json(definition)["faults"] == []
    assert np.array_equal(
        build_graph(definition).model.get_weights()[2], np.full(8, 0.1, np.float32)
    )


@pytest.mark.parametrize(
    "value",
    [[], [[]], [1, [2]], [[1, 2], [3]], [[[[[[[1]]]]]]], ["1"], [True], [None], "file", True, None],
)
def test_what_is_no_array_of_numbers_is_refused(value: Any) -> None:
    (fault,) = INITIALIZERS.faults(constant(value), ())
    assert fault.pointer == "/config/value"
    assert "an array of them" in fault.detail


def test_the_size_of_an_array_is_bounded_and_checked_quickly() -> None:
    row = [0.5] * 1_000
    array = [row] * 1_000
    began = time.process_time()
    json.loads(json.dumps(array))
    reading = time.process_time() - began
    began = time.process_time()
    assert not list(INITIALIZERS.faults(constant(array), ()))
    assert time.process_time() - began < 8 * reading
    assert list(INITIALIZERS.faults(constant([*array, row]), ()))


def test_a_graph_with_a_ragged_array_is_not_built() -> None:
    with pytest.raises(Invalid):
        build_graph(embedding([[1, 2, 3], [1, 2]]))
