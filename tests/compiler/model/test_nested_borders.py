"""What passes the border of a nested graph keeps a name, and a tensor, of its own."""

from typing import Any

import keras
import numpy as np
import pytest

from tests.compiler.graphs import built, graph, layer, nested, node

DENSE = layer("Dense", units=2)


def around(inner: Any, *nodes: Any, **layers: Any) -> dict[str, Any]:
    return graph({"i": [2]}, [node("g", nested(inner), "i"), *nodes], ["g"], **layers)


def named_like_a_borrowed_one() -> dict[str, Any]:
    calls = [node("a", "dense", "dense"), node("b", "dense_1", "a")]
    return around(graph({"dense": [2]}, calls, ["b"], dense=DENSE), dense_1=DENSE)


def borrowed_from_two_graphs() -> dict[str, Any]:
    calls = [node("a", "dense", "x"), node("b", "dense_1", "a")]
    inner = graph({"x": [2]}, calls, ["b"])
    middle = graph({"dense": [2]}, [node("g", nested(inner), "dense")], ["g"], dense=DENSE)
    return around(middle, dense_1=DENSE)


def an_input_beside_a_borrowed_one() -> dict[str, Any]:
    calls = [node("a", "x", "x"), node("b", "x_1", "a")]
    return around(graph({"x": [2]}, calls, ["b"], x_1=DENSE), x=DENSE)


def a_call_with_a_constant() -> dict[str, Any]:
    calls = [node("d", "d_0", "i", training=False)]
    return graph({"i": [2]}, calls, ["d"], d_0=DENSE)


@pytest.mark.parametrize(
    ("definition", "weights"),
    [
        (named_like_a_borrowed_one(), 4),
        (borrowed_from_two_graphs(), 4),
        (an_input_beside_a_borrowed_one(), 4),
        (a_call_with_a_constant(), 2),
    ],
)
def test_layers_whose_names_would_meet(definition: Any, weights: int) -> None:
    assert len(built(definition).variables) == weights


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "string"])
def test_a_graph_that_gives_an_input_takes_other_shapes(dtype: str) -> None:
    """In plain Keras this is a cycle."""
    inner = {
        "inputs": [{"name": "x", "shape": [None, 2], "dtype": dtype}],
        "outputs": ["x", {"name": "again", "from": "x"}],
    }
    definition = {
        "inputs": [{"name": "i", "shape": [3, 2], "dtype": dtype}],
        "nodes": [node("g", nested(inner), "i")],
        "outputs": [{"name": "out", "from": "g:x"}],
    }
    made = built(definition)
    assert made.outputs["out"].shape == (None, 3, 2)
    assert made.outputs["out"].dtype == dtype
    rows = np.ones((1, 3, 2)).astype("str" if dtype == "string" else dtype)
    got = made.model(keras.ops.convert_to_tensor(rows), training=False)["out"]
    assert np.array_equal(got, rows.astype("S") if dtype == "string" else rows)
