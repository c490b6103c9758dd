"""The engine of every layer and function computes the same as Keras on edge values."""

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.compiler.catalogue.test_every_layer import write_definition
from tests.compiler.graphs import build_graph, graph, layer, node
from tests.compiler.inference.edge_rows import MOST_COMBINATIONS, make_edge_batches
from tests.compiler.inference.engines import Engine, find_wrong_rows, open_engine
from tests.compiler.layer_cases import CASES
from tests.compiler.layer_variants import VARIANTS
from tests.compiler.op_samples import SAMPLES, Sample, Tensor
from tests.compiler.op_variants import VARIANTS as CALLS

LARGEST = 1e20
"""Layers add up products of weights; beyond this, a sum may overflow, depending on its order."""
LENGTHS = (1, 2, 7)
DTYPES = ("float32", "float16", "bfloat16", "float64", "int8", "int32", "int64", "uint8", "bool")
USUAL_DTYPES = ("float32", "int32", "bool")
MOST_ROWS = 60
"""The most combinations of values that are given to a layer."""
ACTIVATIONS = [
    name
    for name in dir(keras.activations)
    if not name.startswith("_") and name not in ("deserialize", "get", "serialize")
]
EXPECTED = {
    "BatchNormalization", "Conv1D", "Conv2DTranspose", "Dense", "DepthwiseConv2D", "Dropout",
    "Embedding", "Flatten", "GRU", "GlobalAveragePooling2D", "LSTM", "LayerNormalization",
    "MaxPooling2D", "MultiHeadAttention", "ReLU", "Rescaling",
}  # fmt: skip
"""Layers of many models, for which ONNX must answer."""
EXPECTED_VARIANTS = (
    "Conv2D(padding=same, strides=2)",
    "LSTM of embedded words",
    "LSTM of masked steps",
    "MultiHeadAttention(causal)",
    "Softmax(axis=-1)",
)
UNSTABLE = {
    "average", "cdist", "cholesky_inverse", "cross", "det", "dot_product_attention", "einsum",
    "image.resize", "inner", "inv", "layer_normalization", "logdet", "matmul", "mean", "nanmean",
    "normalize", "pinv", "rms_normalization", "solve", "std", "trapezoid", "var",
}  # fmt: skip
"""Functions whose results depend on the order of their sums.

A test of its own compares the products of `inner` with exact ones.
"""
NOT_TRIED = {"bincount"}
"""Functions whose results are as large as the values."""
LARGEST_OF = {"image.ssim": 1.0}
"""Largest magnitudes of the values of functions: for `image.ssim`, its `max_val`."""
ALLOWED_OF = {"image.ssim": 4 * 2.0**-24 / 0.03**2}
"""Differences that are allowed for functions.

`image.ssim` divides by 0.03**2 plus the variances of both pictures. A variance is the difference of
two means of squares, each of which is rounded by up to 2**-24.
"""
FINITE_ONLY = {"dot_product_attention"}
"""Functions whose products of infinities are infinite or NaN, which depends on the processor."""
INNER = ("exp", "relu", "sigmoid", "softmax", "softplus", "softsign", "square", "tanh")
OUTER = ("log", "reciprocal", "rsqrt", "sqrt")
PAIRS = [pair for pair in product(INNER, OUTER) if pair != ("softmax", "log")]
"""Functions of functions; TensorFlow makes the more exact `LogSoftmax` of the pair left out."""


def describe(sample: Sample) -> str:
    """Return the name of a function and its short constants."""
    constants = [f"{name}={value}" for name, value in sample.config.items()]
    return " ".join([sample.op, *(text for text in constants if len(text) < 30)])


def call_function(sample: Sample, dtype: str, *, keeps_integers: bool) -> dict[str, Any]:
    """Return a graph that calls a function on tensors of a dtype.

    Args:
        sample: The function, its tensors and its constants.
        dtype: The dtype of the tensors.
        keeps_integers: Whether tensors of whole numbers, such as indices, keep their dtype.
    """
    inputs: list[dict[str, Any]] = []

    def put(tensor: Tensor) -> str:
        own = tensor.dtype if keeps_integers and tensor.dtype != "float32" else dtype
        name = f"x{len(inputs)}"
        inputs.append({"name": name, "shape": list(tensor.shape), "dtype": own})
        return name

    given = {
        name: [put(item) for item in value] if isinstance(value, list) else put(value)
        for name, value in sample.inputs.items()
    }
    made = {"name": "it", "op": sample.op, "inputs": given, "config": sample.config}
    return {"inputs": inputs, "nodes": [made], "outputs": ["it"]}


def find_wrong_answers(
    definition: dict[str, Any],
    folder: Path,
    *,
    is_exact: bool,
    allowed: float = 0.0,
    largest: float = LARGEST,
    lengths: Sequence[int] = (1,),
    most: int = MOST_ROWS,
    is_finite: bool = False,
) -> Iterator[str]:
    """Compare the engine of a graph with Keras; yield a description of each difference."""
    engine = open_engine(definition, folder)
    if engine is None:
        return
    for length in lengths:
        batches = make_edge_batches(
            engine.built.model,
            with_non_finite=engine.session is not None
            and engine.takes_non_finite
            and not is_finite,
            largest=largest,
            most=most,
            length=length,
        )
        for batch in batches:
            for text in find_wrong_rows(engine, batch, is_exact=is_exact, allowed=allowed):
                name = "Keras" if engine.session is None else "ONNX"
                yield f"{name} {[item.get('dtype') for item in definition['inputs']]} {text}"


def find_wrong_calls(sample: Sample, dtypes: Sequence[str], folder: Path) -> Iterator[str]:
    """Compare the engine of a function with Keras for several dtypes."""
    if sample.op in NOT_TRIED:
        return
    definitions: list[dict[str, Any]] = []
    for dtype, keeps_integers in product(dtypes, (True, False)):
        made = call_function(sample, dtype, keeps_integers=keeps_integers)
        if made not in definitions:
            definitions.append(made)
    is_exact, allowed = sample.op not in UNSTABLE, ALLOWED_OF.get(sample.op, 0.0)
    largest = LARGEST_OF.get(sample.op, np.inf)
    for made in definitions:
        yield from find_wrong_answers(
            made,
            folder,
            is_exact=is_exact,
            allowed=allowed,
            largest=largest,
            most=MOST_COMBINATIONS,
            is_finite=sample.op in FINITE_ONLY,
        )


def with_dtype(definition: dict[str, Any], dtype: str) -> dict[str, Any]:
    """Return a graph whose inputs have another dtype."""
    return definition | {"inputs": [item | {"dtype": dtype} for item in definition["inputs"]]}


@pytest.mark.slow
@pytest.mark.parametrize("sample", SAMPLES, ids=describe)
def test_function_is_computed_as_by_keras(sample: Sample, tmp_path: Path) -> None:
    assert not list(find_wrong_calls(sample, DTYPES, tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("sample", CALLS, ids=describe)
def test_function_with_other_arguments_is_computed_as_by_keras(
    sample: Sample, tmp_path: Path
) -> None:
    assert not list(find_wrong_calls(sample, USUAL_DTYPES, tmp_path))


def test_inner_products_are_as_exact_as_their_dtype(tmp_path: Path) -> None:
    """The error of a sum of n products is at most n times that of its largest possible value."""
    (sample,) = [sample for sample in SAMPLES if sample.op == "inner"]
    engine = open_engine(call_function(sample, "float32", keeps_integers=False), tmp_path)
    assert engine is not None
    for x, y in make_edge_batches(engine.built.model, with_non_finite=False, largest=1e4):
        found = engine.answer([x, y])["it"].astype(np.float64)
        wide_x, wide_y = x.astype(np.float64), y.astype(np.float64)
        error = x.shape[-1] * 2.0**-24 * (np.abs(wide_x) @ np.abs(wide_y).T)
        assert np.all(np.abs(found - wide_x @ wide_y.T) <= 1.001 * error + 1e-37)


@pytest.mark.slow
@pytest.mark.parametrize("kind", CASES)
def test_layer_is_computed_as_by_keras(kind: str, tmp_path: Path) -> None:
    definition = write_definition(kind)
    made = [definition, *(with_dtype(definition, dtype) for dtype in ("float16", "int32", "bool"))]
    is_finite = kind == "Multiply"  # TensorFlow: 1e-38 * 0.1 is 0, and 0 times infinity is NaN
    assert not [
        text
        for item in made
        for text in find_wrong_answers(item, tmp_path, is_exact=False, is_finite=is_finite)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", [*sorted(EXPECTED), *EXPECTED_VARIANTS])
def test_usual_layer_is_computed_by_onnx(name: str, tmp_path: Path) -> None:
    definition = VARIANTS[name] if name in VARIANTS else write_definition(name)
    engine = open_engine(definition, tmp_path)
    assert isinstance(engine, Engine)
    assert engine.reason is None


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_variant_is_computed_as_by_keras(name: str, tmp_path: Path) -> None:
    build_graph(VARIANTS[name])  # it is no refused graph
    wrong = find_wrong_answers(VARIANTS[name], tmp_path, is_exact=False, lengths=LENGTHS)
    assert not list(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_is_computed_as_by_keras(name: str, tmp_path: Path) -> None:
    made = layer("Activation", activation=name)
    definition = graph({"x": [4]}, [node("y", made, "x")], ["y"])
    assert not list(find_wrong_answers(definition, tmp_path, is_exact=True, largest=np.inf))


@pytest.mark.slow
@pytest.mark.parametrize(("inner", "outer"), PAIRS)
def test_function_of_a_small_result_is_computed_as_by_keras(
    inner: str, outer: str, tmp_path: Path
) -> None:
    """The logarithm of a small probability differs even if the probabilities are close."""
    definition = {
        "inputs": [{"name": "x", "shape": [4]}],
        "nodes": [
            {"name": "small", "op": inner, "inputs": "x"},
            {"name": "y", "op": outer, "inputs": "small"},
        ],
        "outputs": ["y"],
    }
    assert not list(find_wrong_answers(definition, tmp_path, is_exact=False, largest=np.inf))
