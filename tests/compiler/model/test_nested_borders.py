"""Tensors and shared layers that enter or leave a nested graph keep unique names."""

from typing import Any

import keras
import numpy as np
import pytest

from tests.compiler.graphs import build_graph, graph, layer, nested, node

DENSE = layer("Dense", units=2)


def nest_graph(inner: Any, *nodes: Any, **layers: Any) -> dict[str, Any]:
    return graph({"i": [2]}, [node("g", nested(inner), "i"), *nodes], ["g"], **layers)


def make_input_named_like_an_outer_layer() -> dict[str, Any]:
    calls = [node("a", "dense", "dense"), node("b", "dense_1", "a")]
    return nest_graph(graph({"dense": [2]}, calls, ["b"], dense=DENSE), dense_1=DENSE)


def use_layers_of_two_graphs() -> dict[str, Any]:
    calls = [node("a", "dense", "x"), node("b", "dense_1", "a")]
    inner = graph({"x": [2]}, calls, ["b"])
    middle = graph({"dense": [2]}, [node("g", nested(inner), "dense")], ["g"], dense=DENSE)
    return nest_graph(middle, dense_1=DENSE)


def use_layer_named_like_an_input() -> dict[str, Any]:
    calls = [node("a", "x", "x"), node("b", "x_1", "a")]
    return nest_graph(graph({"x": [2]}, calls, ["b"], x_1=DENSE), x=DENSE)


def make_call_with_a_constant() -> dict[str, Any]:
    calls = [node("d", "d_0", "i", training=False)]
    return graph({"i": [2]}, calls, ["d"], d_0=DENSE)


@pytest.mark.parametrize(
    ("definition", "weights"),
    [
        (make_input_named_like_an_outer_layer(), 4),
        (use_layers_of_two_graphs(), 4),
        (use_layer_named_like_an_input(), 4),
        (make_call_with_a_constant(), 2),
    ],
)
def test_layers_with_equal_names_get_unique_names(definition: Any, weights: int) -> None:
    assert len(build_graph(definition).variables) == weights


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "string"])
def test_nested_graph_that_returns_an_input_takes_other_shapes(dtype: str) -> None:
    """Plain Keras builds a cycle here."""
    inner = {
        "inputs": [{"name": "x", "shape": [None, 2], "dtype": dtype}],
        "outputs": ["x", {"name": "again", "from": "x"}],
    }
    definition = {
        "inputs": [{"name": "i", "shape": [3, 2], "dtype": dtype}],
        "nodes": [node("g", nested(inner), "i")],
        "outputs": [{"name": "out", "from": "g:x"}],
    }
    made = build_graph(definition)
    assert made.outputs["out"].shape == (None, 3, 2)
    assert made.outputs["out"].dtype == dtype
    rows = np.ones((1, 3, 2)).astype("str" if dtype == "string" else dtype)
    got = made.model(keras.ops.convert_to_tensor(rows), training=False)["out"]
    assert np.array_equal(got, rows.astype("S") if dtype == "string" else rows)
