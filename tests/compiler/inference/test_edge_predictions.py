"""Predictions of edge values are those of Keras, whichever engine answers."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from compiler.inference.onnx import export_onnx
from compiler.inference.predict import open_model
from tests.compiler.graphs import build_graph, layer, node
from tests.compiler.inference.test_predict import store

BIG, HUGE = 2**24, 2**53


def answer(definition: dict[str, Any], given: Any, folder: Path) -> Any:
    """Return the prediction of the engine that the service would choose."""
    stored = store(build_graph(definition), folder)
    report = export_onnx(*stored, str(folder / "model.onnx"))
    if report.reason is not None:
        return open_model(*stored)({"x": given}, 8)["y"]
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    return session.run(["y"], {"x": given})[0]


def call(dtype: str, shape: list[int], made: Any, output: str = "y") -> dict[str, Any]:
    """Return a graph of one input and one node."""
    rest = made if "op" in made else {"layer": made}
    return {
        "inputs": [{"name": "x", "shape": shape, "dtype": dtype}],
        "nodes": [{"name": "it", "inputs": "x", **rest}],
        "outputs": [{"name": "y", "from": "it" if output == "y" else f"it:{output}"}],
    }


def op(name: str, **config: Any) -> dict[str, Any]:
    return {"op": name, "config": config}


CASES: dict[str, tuple[str, Any, list[Any], list[Any]]] = {
    "one-hot of -1": ("int32", op("one_hot", num_classes=3), [[-1, 2]], [[[0, 0, 0], [0, 0, 1]]]),
    "floor division": ("int32", op("floor_divide", x2=2), [[-3, 3]], [[-2, 1]]),
    "floor division of int8": ("int8", op("floor_divide", x2=3), [[-7, 7]], [[-3, 2]]),
    "mod": ("int32", op("mod", x2=3), [[-7, 7]], [[2, 1]]),
    "sort of int32": ("int32", op("sort", axis=-1), [[BIG + 1, BIG]], [[BIG, BIG + 1]]),
    "sort of int64": ("int64", op("sort", axis=-1), [[HUGE + 1, HUGE]], [[HUGE, HUGE + 1]]),
    "sum of int64": ("int64", op("sum", axis=[-1]), [[HUGE + 1, 0]], [HUGE + 1]),
    "sum of int32": ("int32", op("sum", axis=[-1]), [[2**31 - 1, 1]], [-(2**31)]),
    "product": ("int32", op("prod", axis=[-1]), [[65536, 65536]], [0]),
    "sinc": ("float32", op("sinc"), [[0.0, 1.0]], [[1.0, 0.0]]),
    "greater": ("int32", op("greater", x2=BIG), [[BIG + 1, BIG]], [[True, False]]),
    "equal": ("int64", op("equal", x2=7), [[7, HUGE + 1]], [[True, False]]),
    "maximum": ("int32", op("max", axis=[-1]), [[BIG, BIG + 1]], [BIG + 1]),
    "argmax": ("int32", op("argmax", axis=-1), [[BIG, BIG + 1]], [1]),
    "first of equal": ("float32", op("argmax", axis=-1), [[2.0, 2.0]], [0]),
    "cumulated sum": ("int32", op("cumsum", axis=-1), [[BIG, 1]], [[BIG, BIG + 1]]),
    "power": ("int32", op("power", x2=2), [[-3, 4097]], [[9, 4097**2]]),
    "shift": ("int32", op("left_shift", y=1), [[-3, 2**30]], [[-6, -(2**31)]]),
    "half to even": ("float32", op("round"), [[0.5, 1.5], [2.5, -0.5]], [[0, 2], [2, 0]]),
    "encoded counts": (
        "int32", layer("CategoryEncoding", num_tokens=3, output_mode="count"),
        [[1, 1]], [[0, 2, 0]],
    ),
    "discretization": (
        "float32", layer("Discretization", bin_boundaries=[0.0, 1.0]),
        [[-1.0, 0.0], [1.0, 5.0]], [[0, 1], [2, 2]],
    ),
    "lookup": (
        "int32", layer("IntegerLookup", vocabulary=[-2, 7]), [[-2, 7], [0, 9]], [[1, 2], [0, 0]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_edge_values_are_predicted_as_by_definition(name: str, tmp_path: Path) -> None:
    dtype, made, given, wanted = CASES[name]
    found = answer(call(dtype, [2], made), np.array(given, dtype), tmp_path)
    np.testing.assert_allclose(found, np.array(wanted), atol=1e-6, rtol=0)


@pytest.mark.parametrize("given", [[[BIG, BIG + 1]], [[BIG + 1, BIG]]])
def test_largest_of_large_integers_is_found(given: list[Any], tmp_path: Path) -> None:
    definition = call("int32", [2], op("top_k", k=1), output="0")
    found = answer(definition, np.array(given, "int32"), tmp_path)
    np.testing.assert_array_equal(found, [[BIG + 1]])


def test_operation_behind_a_layer_is_refused(tmp_path: Path) -> None:
    """No edge value of the input reaches the division: the layer in front of it saturates."""
    nodes = [
        node("squashed", layer("Dense", units=2, activation="tanh"), "x"),
        {"name": "it", "op": "floor_divide", "inputs": "squashed", "config": {"x2": 2}},
    ]
    definition = {
        "inputs": [{"name": "x", "shape": [2]}],
        "nodes": nodes,
        "outputs": [{"name": "y", "from": "it"}],
    }
    report = export_onnx(*store(build_graph(definition), tmp_path), str(tmp_path / "model.onnx"))
    assert report.reason == "ONNX may compute 'FloorDiv' of float32 otherwise than TensorFlow."


def test_missing_category_gives_the_bias_of_the_layer_behind_it(tmp_path: Path) -> None:
    """`one_hot` of -1 is a row of zeros, so that only the bias, 0, is left."""
    nodes = [
        {"name": "encoded", "inputs": "x", **op("one_hot", num_classes=4)},
        node("it", layer("Dense", units=1), "encoded"),
    ]
    definition = {
        "inputs": [{"name": "x", "shape": [], "dtype": "int32"}],
        "nodes": nodes,
        "outputs": [{"name": "y", "from": "it"}],
    }
    kernel = build_graph(definition).model.get_weights()[0]
    found = answer(definition, np.array([-1, 0, 3], "int32"), tmp_path)
    np.testing.assert_allclose(found, [[0], kernel[0], kernel[3]], atol=1e-6)
