"""Every layer of the catalogue, from JSON, is what Keras's own script makes."""

from itertools import count
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from compiler.catalogue.layers import CATALOGUE
from tests.compiler.graphs import built
from tests.compiler.layer_cases import CASES, Case

WORDS = ["red", "Green", "red green", "blue"]
ROWS = 2
EVERY = pytest.mark.parametrize("kind", CASES)


def from_json(kind: str) -> Any:
    """The model of one node that our compiler makes; every tensor of it is an output."""
    return built(definition_of(kind)).model


def definition_of(kind: str) -> dict[str, Any]:
    """A graph of one node, every tensor of which is an output."""
    case = CASES[kind]
    numbers = count()
    references = case.filled(lambda _: f"x{next(numbers)}")
    tensors = len(in_keras(kind).outputs)
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


def in_keras(kind: str) -> Any:
    """The same as a Keras script."""
    case = CASES[kind]
    layer = case.direct() if case.direct else CATALOGUE[kind].cls(**case.config)
    inputs: list[Any] = []

    def new_input(shape: tuple[int | None, ...]) -> Any:
        inputs.append(keras.Input(shape, dtype=case.dtype))
        return inputs[-1]

    given = case.filled(new_input)
    first, *rest = given.items() if isinstance(given, dict) else [("", given)]
    result = layer(first[1], **dict(rest), **case.call)
    return keras.Model(inputs, keras.tree.flatten(result))


def drawn(case: Case) -> list[Any]:
    """A few rows for every input."""
    draw = np.random.default_rng(7)
    shapes: list[Any] = [(ROWS, *shape) for shape in case.shapes]
    if case.dtype == "string":
        return [tf.constant(np.resize(WORDS, shape)) for shape in shapes]
    if case.dtype == "int32":
        return [tf.constant(draw.integers(0, 4, shape), tf.int32) for shape in shapes]
    return [tf.constant(draw.random(shape), tf.float32) for shape in shapes]


def predictions(model: Any, case: Case) -> list[Any]:
    inputs = drawn(case)
    outputs = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    return [np.asarray(output) for output in keras.tree.flatten(outputs)]


def test_every_layer_has_a_case() -> None:
    assert CASES.keys() == {name for name, entry in CATALOGUE.items() if not entry.alias_of}


@EVERY
def test_shapes_and_parameters_are_keras_s(kind: str) -> None:
    ours, theirs = from_json(kind), in_keras(kind)
    assert [tuple(output.shape) for output in ours.outputs] == [
        tuple(output.shape) for output in theirs.outputs
    ]
    if kind != "IntegerLookup":  # Keras states floats for what it computes as whole numbers
        assert [output.dtype for output in ours.outputs] == [o.dtype for o in theirs.outputs]
    assert ours.count_params() == theirs.count_params()


@pytest.mark.slow
@EVERY
def test_predictions_are_keras_s_with_equal_weights(kind: str) -> None:
    ours, theirs = from_json(kind), in_keras(kind)
    theirs.set_weights(ours.get_weights())
    for own, other in zip(
        predictions(ours, CASES[kind]), predictions(theirs, CASES[kind]), strict=True
    ):
        np.testing.assert_array_equal(own, other)


@pytest.mark.slow
@EVERY
def test_plain_keras_loads_what_is_exported(kind: str, tmp_path: Path) -> None:
    ours = from_json(kind)
    again = keras.models.model_from_json(ours.to_json())
    assert again.count_params() == ours.count_params()
    ours.save_weights(tmp_path / "model.weights.h5")
    again.load_weights(tmp_path / "model.weights.h5")
    for own, other in zip(
        predictions(ours, CASES[kind]), predictions(again, CASES[kind]), strict=True
    ):
        np.testing.assert_array_equal(own, other)
