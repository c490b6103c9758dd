"""The rows with which an ONNX file is compared hold the edge values of each input."""

from typing import Any

import keras
import numpy as np

from compiler.inference.probe import make_batches


def make_model(*inputs: Any) -> Any:
    return keras.Model(list(inputs), list(inputs))


def collect(model: Any, **sizes: int) -> list[Any]:
    positions = {int(name[1:]): size for name, size in sizes.items()}
    return list(make_batches(model, positions, with_finite_only=False))


def test_negatives_zero_limits_and_non_finite_values_are_given() -> None:
    batches = collect(make_model(keras.Input([2])))
    values = np.concatenate([batch[0].ravel() for batch in batches])
    assert {0.0, -1.0, 0.5, 2.0**63} <= set(values.tolist())
    assert np.isnan(values).any()
    assert np.isposinf(values).any()
    assert {1, 2, 7} <= {len(batch[0]) for batch in batches}


def test_limits_of_whole_numbers_are_given() -> None:
    for dtype in ("int8", "int32", "int64", "uint8", "uint32"):
        batches = collect(make_model(keras.Input([2], dtype=dtype)))
        values = set(np.concatenate([batch[0].ravel() for batch in batches]).tolist())
        bounds = np.iinfo(dtype)
        assert {bounds.min, bounds.max, 0} <= values


def test_indices_lie_in_their_range() -> None:
    batches = collect(make_model(keras.Input([3], dtype="int32")), x0=5)
    values = {value for batch in batches for value in batch[0].ravel().tolist()}
    assert values <= set(range(5))


def test_unknown_lengths_are_equal_and_vary() -> None:
    batches = collect(make_model(keras.Input([None, 2]), keras.Input([None])))
    lengths = [(batch[0].shape[1], batch[1].shape[1]) for batch in batches]
    assert set(lengths) == {(length, length) for length in (1, 2, 7, 32)}


def test_large_inputs_give_few_rows() -> None:
    batches = collect(make_model(keras.Input([224, 224, 3])))
    assert {len(batch[0]) for batch in batches} == {1, 2}
    assert sum(len(batch[0]) for batch in batches) <= 12
