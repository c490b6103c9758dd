"""A layer that accepts an unknown length computes the same as with that length known."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from compiler.inference.forward import Arrays, Forward
from compiler.model.build import BuiltModel, build
from compiler.model.weights import assign, copy_arrays
from domain.errors import Invalid
from tests.compiler.catalogue.test_every_layer import write_definition
from tests.compiler.graphs import blueprint
from tests.compiler.layer_cases import CASES
from tests.compiler.layer_variants import VARIANTS
from tests.compiler.op_samples import SAMPLES, Sample, Tensor

ROWS = (1, 2, 7, 64)
LENGTH = 13
"""The length of hidden axes beside their own."""
Axis = tuple[int, int]
"""The positions of an input and of one of its axes, without the axis of the rows."""
WORDS = np.array(["red", "Green", "red green", "blue"], object)


def call_function(sample: Sample) -> dict[str, Any]:
    inputs: list[dict[str, Any]] = []

    def put(tensor: Tensor) -> str:
        item = {"name": f"x{len(inputs)}", "shape": list(tensor.shape), "dtype": tensor.dtype}
        inputs.append(item)
        return str(item["name"])

    given = {
        name: [put(item) for item in value] if isinstance(value, list) else put(value)
        for name, value in sample.inputs.items()
    }
    made = {"name": "it", "op": sample.op, "inputs": given, "config": sample.config}
    return {"inputs": inputs, "nodes": [made], "outputs": ["it"]}


def find_groups(definition: dict[str, Any]) -> set[frozenset[Axis]]:
    """Find axes to hide: each alone, those of equal length, and all but the last of each input."""
    lengths = {
        (i, axis): length
        for i, item in enumerate(definition["inputs"])
        for axis, length in enumerate(item["shape"])
    }
    last = {(i, len(item["shape"]) - 1) for i, item in enumerate(definition["inputs"])}
    groups = [{axis} for axis in lengths]
    groups += [{a for a, length in lengths.items() if length == n} for n in lengths.values()]
    groups.append(lengths.keys() - last)
    return {frozenset(group) for group in groups if group}


def set_lengths(
    definition: dict[str, Any], axes: frozenset[Axis], length: int | None
) -> dict[str, Any]:
    """Return the graph with another length of some axes of its inputs."""
    inputs = [
        item | {"shape": [length if (i, a) in axes else n for a, n in enumerate(item["shape"])]}
        for i, item in enumerate(definition["inputs"])
    ]
    return definition | {"inputs": inputs}


def try_build(definition: dict[str, Any]) -> BuiltModel | None:
    try:
        return build(blueprint(definition), seed=7)
    except Invalid:
        return None


def draw_rows(model: Any, rows: int) -> list[Any]:
    draw = np.random.default_rng(rows)
    return [draw_array(item.dtype, (rows, *item.shape[1:]), draw) for item in model.inputs]


def draw_array(dtype: str, shape: tuple[int, ...], draw: np.random.Generator) -> Any:
    """Draw texts, small whole numbers, or numbers from 0.1 to 0.9; some steps are all 0.5."""
    if dtype == "string":
        return draw.choice(WORDS, shape)
    if "int" in dtype:
        return draw.integers(0, 3, shape).astype(dtype)
    array = draw.uniform(0.1, 0.9, shape)
    array[draw.random(shape[:2]) < 0.3] = 0.5
    return array.astype(dtype)


def assert_lengths_do_not_matter(definition: dict[str, Any]) -> None:
    own = try_build(definition)
    if own is None or any(item.shape[0] is not None for item in own.model.inputs):
        return
    for axes in find_groups(definition):
        unknown = try_build(set_lengths(definition, axes, None))
        if unknown is None:
            continue
        assign(unknown, copy_arrays(own))
        assert assert_equal(own, unknown), axes
        other = try_build(set_lengths(definition, axes, LENGTH))
        if other is not None:
            assign(other, copy_arrays(own))
            assert_equal(other, unknown)


def make_definite(array: Any) -> Any:
    """Return positive definite matrices, which every function of matrices computes."""
    if array.ndim < 3 or array.shape[-2] != array.shape[-1]:
        return array
    symmetric = array + array.swapaxes(-2, -1)
    return (symmetric + 2 * array.shape[-1] * np.eye(array.shape[-1])).astype(array.dtype)


def try_run(forward: Forward, given: list[Any]) -> Arrays | None:
    """Return the outputs; None if the rows cannot be computed."""
    try:
        return forward(given)
    except tf.errors.InvalidArgumentError:
        return None


def assert_equal(known: BuiltModel, unknown: BuiltModel) -> int:
    """Return how many of the batches both models can compute; another length may fit none."""
    one, other = Forward(known.model), Forward(unknown.model)
    shapes = [item.shape for item in unknown.model.inputs]
    computed = 0
    for rows in ROWS:
        given = draw_rows(known.model, rows)
        wanted, found = try_run(one, given), try_run(other, given)
        assert (wanted is None) == (found is None), (shapes, rows)
        if wanted is None:
            given = [make_definite(array) for array in given]
            wanted, found = try_run(one, given), try_run(other, given)
        if wanted is None or found is None:
            assert wanted is found, (shapes, rows)
            continue  # e.g. an index beyond the rows of a small batch
        computed += 1
        for name, array in wanted.items():
            assert found[name].shape == array.shape, (shapes, rows)
            assert found[name].dtype == array.dtype
            if array.dtype.kind in "OSU":
                np.testing.assert_array_equal(found[name], array)
            else:
                np.testing.assert_allclose(
                    found[name], array, rtol=1e-4, atol=1e-5, err_msg=str((shapes, rows))
                )
    return computed


@pytest.mark.slow
@pytest.mark.parametrize("kind", CASES)
def test_layer_computes_the_same_with_an_unknown_length(kind: str) -> None:
    assert_lengths_do_not_matter(write_definition(kind))


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_variant_computes_the_same_with_an_unknown_length(name: str) -> None:
    definition = VARIANTS[name]
    unknown = frozenset(
        (i, axis)
        for i, item in enumerate(definition["inputs"])
        for axis, length in enumerate(item["shape"])
        if length is None
    )
    assert_lengths_do_not_matter(set_lengths(definition, unknown, 7))


@pytest.mark.slow
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.op)
def test_function_computes_the_same_with_an_unknown_length(sample: Sample) -> None:
    assert_lengths_do_not_matter(call_function(sample))
