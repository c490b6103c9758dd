"""Whole numbers in Keras's JSON may be written as 1.0, as some languages write every number."""

import json
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from tests.compiler.keras_json.restored import assert_comes_back, find_faults

DRAW = np.random.default_rng(0)
PICTURES = DRAW.random((2, 8, 8, 3), np.float32)
ROWS = DRAW.random((2, 4), np.float32)
STEPS = DRAW.random((2, 5, 4), np.float32)


def with_fractions(value: Any) -> Any:
    """Return a JSON value in which every integer is written with a fraction."""
    if isinstance(value, dict):
        return {key: with_fractions(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_fractions(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def make_convolutions() -> tuple[Any, Any]:
    x = keras.Input((8, 8, 3))
    h = layers.Conv2D(4, (3, 2), strides=2, padding="same")(x)
    h = layers.BatchNormalization(axis=-1)(h)
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(h))), PICTURES


def make_shared_layer() -> tuple[Any, Any]:
    x = keras.Input((4,))
    twice = layers.Dense(4)
    return keras.Model(x, layers.Concatenate()([twice(x), twice(twice(x))])), ROWS


def make_states() -> tuple[Any, Any]:
    x = keras.Input((5, 4))
    out, h, c = layers.LSTM(3, return_state=True)(x)
    return keras.Model(x, [out, layers.Add()([h, c])]), STEPS


def make_functions() -> tuple[Any, Any]:
    x = keras.Input((5, 4))
    first, second = ops.split(x[:, 1:5:2], 2, axis=-1)
    return keras.Model(x, ops.mean(first * second, axis=[1, 2], keepdims=True)), STEPS


def make_nested_model() -> tuple[Any, Any]:
    x, y = keras.Input((4,)), keras.Input((4,))
    inner = keras.Model(y, layers.Dense(3)(y))
    return keras.Model(x, layers.Add()([inner(x), inner(x * 2)])), ROWS


def make_sequential() -> tuple[Any, Any]:
    x = keras.Input((4,))
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.Reshape((3, 1))])
    return keras.Model(x, inner(x)), ROWS


@pytest.mark.parametrize(
    "make",
    [
        make_convolutions,
        make_shared_layer,
        make_states,
        make_functions,
        make_nested_model,
        make_sequential,
    ],
)
def test_whole_numbers_with_a_fraction_mean_the_same_model(
    make: Callable[[], tuple[Any, Any]],
) -> None:
    model, data = make()
    assert_comes_back(model, [data], with_fractions)


def test_a_number_that_is_not_whole_is_refused_at_its_place() -> None:
    model, _ = make_shared_layer()
    document = with_fractions(json.loads(model.to_json()))
    outputs = document["config"]["output_layers"]
    outputs[1] = 0.5
    assert any(place.startswith("/config/output_layers") for place in find_faults(document))
