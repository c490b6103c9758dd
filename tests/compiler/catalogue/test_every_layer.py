"""Every layer of the catalogue built from JSON equals the layer of a Keras script."""

from itertools import count
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from compiler.catalogue.layers import CATALOGUE
from tests.compiler.graphs import build_graph
from tests.compiler.layer_cases import CASES, Case

WORDS = ["red", "Green", "red green", "blue"]
ROWS = 2
EVERY = pytest.mark.parametrize("kind", CASES)


def build_from_json(kind: str) -> Any:
    """Return the model that our compiler builds of one node."""
    return build_graph(write_definition(kind)).model


def write_definition(kind: str) -> dict[str, Any]:
    """Return a graph of one node, with an output for each of its tensors."""
    case = CASES[kind]
    numbers = count()
    references = case.fill(lambda _: f"x{next(numbers)}")
    tensors = len(build_in_keras(kind).outputs)
    return {
        "inputs": [
            {"name": f"x{i}", "shape": list(shape), "dtype": case.dtype}
            for i, shape in enumerate(case.shapes)
        ],
        "nodes": [
            {
                "name": "it",
                "layer": {"type": kind, "config": case.config},
                "inputs": references,
                "call": case.call,
            }
        ],
        "outputs": ["it"]
        if tensors == 1
        else [{"name": f"y{i}", "from": f"it:{i}"} for i in range(tensors)],
    }


def build_in_keras(kind: str) -> Any:
    """Return the same model, built as in a Keras script."""
    case = CASES[kind]
    layer = case.direct() if case.direct else CATALOGUE[kind].cls(**case.config)
    inputs: list[Any] = []

    def new_input(shape: tuple[int | None, ...]) -> Any:
        inputs.append(keras.Input(shape, dtype=case.dtype))
        return inputs[-1]

    given = case.fill(new_input)
    first, *rest = given.items() if isinstance(given, dict) else [("", given)]
    result = layer(first[1], **dict(rest), **case.call)
    return keras.Model(inputs, keras.tree.flatten(result))


def draw_rows(case: Case) -> list[Any]:
    """Return ROWS random rows for each input."""
    draw = np.random.default_rng(7)
    shapes: list[Any] = [(ROWS, *shape) for shape in case.shapes]
    if case.dtype == "string":
        return [tf.constant(np.resize(WORDS, shape)) for shape in shapes]
    if case.dtype == "int32":
        return [tf.constant(draw.integers(0, 4, shape), tf.int32) for shape in shapes]
    return [tf.constant(draw.random(shape), tf.float32) for shape in shapes]


def predict(model: Any, case: Case) -> list[Any]:
    inputs = draw_rows(case)
    outputs = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    return [np.asarray(output) for output in keras.tree.flatten(outputs)]


def test_every_layer_has_a_case() -> None:
    assert CASES.keys() == {name for name, entry in CATALOGUE.items() if not entry.alias_of}


@pytest.mark.slow
@EVERY
def test_shapes_and_parameters_equal_those_of_keras(kind: str) -> None:
    ours, theirs = build_from_json(kind), build_in_keras(kind)
    assert [tuple(output.shape) for output in ours.outputs] == [
        tuple(output.shape) for output in theirs.outputs
    ]
    if kind != "IntegerLookup":  # Keras states floats, but computes whole numbers
        assert [output.dtype for output in ours.outputs] == [o.dtype for o in theirs.outputs]
    assert ours.count_params() == theirs.count_params()


@pytest.mark.slow
@EVERY
def test_predictions_equal_those_of_keras_with_equal_weights(kind: str) -> None:
    ours, theirs = build_from_json(kind), build_in_keras(kind)
    theirs.set_weights(ours.get_weights())
    for own, other in zip(predict(ours, CASES[kind]), predict(theirs, CASES[kind]), strict=True):
        np.testing.assert_array_equal(own, other)


@pytest.mark.slow
@EVERY
def test_plain_keras_loads_the_export(kind: str, tmp_path: Path) -> None:
    ours = build_from_json(kind)
    again = keras.models.model_from_json(ours.to_json())
    assert again.count_params() == ours.count_params()
    ours.save_weights(tmp_path / "model.weights.h5")
    again.load_weights(tmp_path / "model.weights.h5")
    for own, other in zip(predict(ours, CASES[kind]), predict(again, CASES[kind]), strict=True):
        np.testing.assert_array_equal(own, other)
