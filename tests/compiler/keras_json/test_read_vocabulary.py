"""Every layer and every function is read from the JSON of plain Keras."""

from typing import Any

import pytest

from tests.compiler.catalogue.test_every_layer import build_in_keras
from tests.compiler.catalogue.test_ops import _build_model
from tests.compiler.keras_json.restored import read_document, read_graph_json, restore
from tests.compiler.layer_cases import CASES
from tests.compiler.op_samples import SAMPLES, Sample

ALIASES = {
    "abs": "absolute",
    "conj": "conjugate",
    "hard_swish": "hard_silu",
    "image.extract_patches_3d": "image.extract_patches",
    "swish": "silu",
}
"""Functions for which Keras writes another that is the same."""


def forms(tensors: Any) -> list[Any]:
    return [(tuple(tensor.shape), tensor.dtype) for tensor in tensors]


@pytest.mark.slow
@pytest.mark.parametrize("kind", CASES)
def test_every_layer_is_read(kind: str) -> None:
    model = build_in_keras(kind)
    text = model.to_json()
    assert [node["layer"]["type"] for node in read_graph_json(text)["nodes"]] == [kind]
    ours = restore(text)
    assert forms(ours.outputs.values()) == [
        # Keras states floats, but computes whole numbers
        (shape, "int64" if kind == "IntegerLookup" else dtype)
        for shape, dtype in forms(model.outputs)
    ]
    assert ours.model.count_params() == model.count_params()


@pytest.mark.slow
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.op)
def test_every_function_is_read(sample: Sample) -> None:
    found = read_document(_build_model(sample).to_json())
    assert found.faults == []
    assert found.definition is not None
    (node,) = found.definition.nodes
    assert node.op == ALIASES.get(sample.op, sample.op)  # type: ignore[union-attr]
    given = {text for _, text in node.references()}
    assert given == {item.name for item in found.definition.inputs}
