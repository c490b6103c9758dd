"""Every layer and function that the check accepts works, with tensors of every dtype."""

from itertools import count
from typing import Any

import numpy as np
import pytest

from compiler.check import check
from compiler.inference.forward import make_forward
from compiler.model.build import build
from compiler.model.size_limits import SizeCounter
from domain.check import CheckRequest
from tests.compiler.graphs import blueprint
from tests.compiler.layer_cases import CASES
from tests.compiler.op_samples import SAMPLES, Sample, Tensor

DTYPES = ("float16", "float32", "int32", "uint8", "bool")
_VALUES = frozenset({"cholesky", "fmod", "inv", "mod", "solve"})
"""Functions that need other numbers than ones."""
_QUICK = ("tril", "cdist", "einsum")


def call_layer(kind: str, dtype: str) -> dict[str, Any]:
    case, numbers = CASES[kind], count()
    references = case.fill(lambda _: f"x{next(numbers)}")
    made = {"type": kind, "config": case.config}
    return {
        "inputs": [
            {"name": f"x{i}", "shape": list(shape), "dtype": dtype}
            for i, shape in enumerate(case.shapes)
        ],
        "nodes": [{"name": "it", "layer": made, "inputs": references, "call": case.call}],
        "outputs": ["it"],
    }


def call_function(sample: Sample, dtype: str) -> dict[str, Any]:
    inputs: list[dict[str, Any]] = []

    def put(tensor: Tensor) -> str:
        inputs.append({"name": f"x{len(inputs)}", "shape": list(tensor.shape), "dtype": dtype})
        return str(inputs[-1]["name"])

    given = {
        name: [put(item) for item in value] if isinstance(value, list) else put(value)
        for name, value in sample.inputs.items()
    }
    made = {"name": "it", "op": sample.op, "inputs": given, "config": sample.config}
    return {"inputs": inputs, "nodes": [made], "outputs": ["it"]}


def assert_works_if_accepted(definition: dict[str, Any]) -> None:
    made = blueprint(definition)
    request = CheckRequest(blueprint=made)
    if check(request, SizeCounter(request.limits)).summary is None:
        return
    model = build(made, seed=7).model
    rows = [np.ones((2, *item.shape[1:])).astype(item.dtype) for item in model.inputs]
    for stated, given in zip(model.outputs, make_forward(model)(rows).values(), strict=True):
        assert len(given) == 2
        assert given.ndim == len(stated.shape)
        assert given.dtype == stated.dtype


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.op in _QUICK], ids=lambda s: s.op)
def test_function_works_if_accepted(sample: Sample) -> None:
    assert_works_if_accepted(call_function(sample, "bool"))


@pytest.mark.slow
@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.op not in _VALUES], ids=lambda s: s.op)
def test_every_function_works_if_accepted(sample: Sample) -> None:
    for dtype in DTYPES:
        assert_works_if_accepted(call_function(sample, dtype))


@pytest.mark.slow
@pytest.mark.parametrize("kind", CASES)
def test_every_layer_works_if_accepted(kind: str) -> None:
    for dtype in DTYPES:
        assert_works_if_accepted(call_layer(kind, dtype))
