"""Compares the outputs of an ONNX file with those of Keras on edge values."""

import logging
from collections.abc import Callable, Sequence

import numpy as np

from compiler.inference.forward import Array, Arrays

log = logging.getLogger(__name__)

Run = Callable[[Sequence[Array]], Arrays]
"""Computes arrays by output name from arrays in the order of the inputs."""
TOLERANCES = {"float16": 1e-2, "float32": 1e-5, "float64": 1e-5}
"""Relative and absolute tolerance by dtype; values of other dtypes must be equal."""
STEP = 1e-6
"""The relative change of an input that shows how exactly an output can be computed."""


class Difference(Exception):
    """ONNX and Keras differ; the message tells how."""


def compare_batch(keras: Run, onnx: Run, inputs: list[Array]) -> bool:
    """Compare two implementations of a model on one batch.

    Args:
        keras: Keras's implementation.
        onnx: The implementation in ONNX.
        inputs: Arrays of shape (rows, ...).

    Returns:
        Whether Keras can compute at least one row.

    Raises:
        Difference: The results differ, or only one of the two can compute.
    """
    wanted = _try(keras, inputs)
    if wanted is None and len(inputs[0]) > 1:
        return _compare_rows(keras, onnx, inputs)
    found = _try(onnx, inputs)
    if wanted is None and found is None:
        return False
    if wanted is None or found is None:
        raise Difference(f"Only {'ONNX' if wanted is None else 'Keras'} can compute some rows.")
    if wanted.keys() != found.keys():
        raise Difference("The conversion to ONNX changes the names of the outputs.")
    exact = {name: np.zeros(array.shape) for name, array in wanted.items()}
    if _differ(wanted, found, exact) is None:
        return True
    name = _differ(wanted, found, _measure_slack(keras, inputs, wanted))
    if name is not None:
        raise Difference(f"ONNX computes other values than Keras for output '{name}'.")
    return True


def _compare_rows(keras: Run, onnx: Run, inputs: list[Array]) -> bool:
    """Compare each row alone: one of them may be the reason why Keras cannot compute the others."""
    computed = 0
    for i in range(len(inputs[0])):
        computed += compare_batch(keras, onnx, [array[i : i + 1] for array in inputs])
    return computed > 0


def _differ(wanted: Arrays, found: Arrays, slack: Arrays) -> str | None:
    """Return the name of an output that differs; None if there is none."""
    return next((n for n, array in wanted.items() if not _agree(array, found[n], slack[n])), None)


def _try(run: Run, inputs: list[Array]) -> Arrays | None:
    """Return the results, or None if the rows cannot be computed."""
    try:
        return run(inputs)
    except Exception as error:
        log.info("The model cannot be computed for generated rows: %s", error)
        return None


def _measure_slack(keras: Run, inputs: list[Array], wanted: Arrays) -> Arrays:
    """Measure how much each output changes if the floats among the inputs change a little.

    An output that changes much, e.g. the sine of a large number, cannot be computed exactly.
    """
    random = np.random.default_rng(0)
    changed = keras([_move(array, random) for array in inputs])
    return {name: _subtract(changed[name], array) for name, array in wanted.items()}


def _move(array: Array, random: np.random.Generator) -> Array:
    """Change each float by a factor of at most 1 + STEP."""
    if not _is_float(array):
        return array
    moved: Array = (array * (1 + random.uniform(-STEP, STEP, array.shape))).astype(array.dtype)
    return moved


def _is_float(array: Array) -> bool:
    return array.dtype.kind == "f"


def _subtract(one: Array, other: Array) -> Array:
    if not _is_float(one):
        return np.zeros(one.shape)
    with np.errstate(all="ignore"):
        difference: Array = np.abs(one.astype(np.float64) - other.astype(np.float64))
    difference[~np.isfinite(one.astype(np.float64)) & ~np.isfinite(other.astype(np.float64))] = 0
    difference[~np.isfinite(difference)] = np.inf
    return difference


def _agree(wanted: Array, found: Array, slack: Array) -> bool:
    """Return whether two arrays are equal: floats within a tolerance, others exactly."""
    if wanted.shape != found.shape or wanted.dtype != found.dtype:
        return False
    tolerance = TOLERANCES.get(wanted.dtype.name)
    if tolerance is None:
        return bool(np.array_equal(wanted, found))
    one, other = wanted.astype(np.float64), found.astype(np.float64)
    with np.errstate(all="ignore"):
        near = np.abs(one - other) <= tolerance * (1 + np.abs(one)) + slack
    same = (one == other) | (np.isnan(one) & np.isnan(other)) | np.isinf(slack) | _lost(one, other)
    return bool((same | (near & np.isfinite(one) & np.isfinite(other))).all())


def _lost(wanted: Array, found: Array) -> Array:
    """Tell where the vectors of the last axis hold a NaN in Keras and nothing but NaN in ONNX.

    On some processors, TensorFlow's softmax of a vector that holds a NaN leaves zeros beside it.
    """
    if wanted.ndim < 2:
        return np.zeros(wanted.shape, bool)
    some, every = np.isnan(wanted).any(-1, keepdims=True), np.isnan(found).all(-1, keepdims=True)
    return np.asarray(some & every)
