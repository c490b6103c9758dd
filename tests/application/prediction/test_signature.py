"""The bytes of a row follow from the lengths of the request."""

import numpy as np
import pytest

from application.prediction.signature import Signature, get_shapes
from domain.graph.language import Blueprint, GraphDefinition
from domain.graph.summary import Bytes, NodeSummary, Parameters, Summary, Tensor


def make_signature(shapes: list[list[int | None]], row_bytes: int) -> Signature:
    definition = GraphDefinition.model_validate(
        {
            "inputs": [{"name": "x", "shape": [None, 3]}],
            "nodes": [{"name": "y", "layer": {"type": "Activation"}, "inputs": "x"}],
            "outputs": ["y"],
        }
    )
    summary = Summary(
        inputs=[Tensor(name="x", shape=[None, None, 3], dtype="float32")],
        outputs=[Tensor(name="y", shape=[None, None, 3], dtype="float32")],
        nodes=[
            NodeSummary(name=f"n{i}", layer="Dense", shape=shape, parameters=0)
            for i, shape in enumerate(shapes)
        ],
        parameters=Parameters(total=0, trainable=0, non_trainable=0),
        bytes=Bytes(weights=0, activations_per_row=row_bytes),
    )
    return Signature.of(Blueprint(definition=definition), summary)


@pytest.mark.parametrize("steps", [1, 2, 1000])
def test_unknown_lengths_count_as_the_longest_of_the_request(steps: int) -> None:
    signature = make_signature([[None, None, 8], [None, 16], [None, None, None]], 4 * (8 + 16 + 1))
    rows = {"x": np.zeros((5, steps, 3), np.float32)}
    tensors = [np.zeros((steps, 8)), np.zeros(16), np.zeros((steps, steps))]
    assert signature.count_row_bytes(rows) == 4 * sum(tensor.size for tensor in tensors)


def test_rows_of_no_steps_have_a_size() -> None:
    signature = make_signature([[None, None, 8]], 32)
    assert signature.count_row_bytes({"x": np.zeros((1, 0, 3))}) == 32


def test_shapes_are_those_of_all_inputs_by_name() -> None:
    arrays = {"b": np.zeros((2, 3)), "a": np.zeros((2,))}
    assert get_shapes(arrays) == (("a", (2,)), ("b", (2, 3)))
