"""Every architecture of `keras.applications`, made without weights."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any, NamedTuple

import keras

ARCHITECTURES = {
    name: function
    for name, function in inspect.getmembers(keras.applications, inspect.isfunction)
    if name[0].isupper()
}


class Form(NamedTuple):
    """The parameter counts and the shapes of a model."""

    parameters: int
    trainable: int
    inputs: list[tuple[int | None, ...]]
    outputs: list[tuple[int | None, ...]]


def find_form(model: Any) -> Form:
    """Return the counts and shapes of a model, also of one without allocated weights."""
    trainable = sum(prod(weight.shape) for weight in model.trainable_weights)
    shapes = [[tuple(tensor.shape) for tensor in flat] for flat in (model.inputs, model.outputs)]
    return Form(model.count_params(), trainable, *shapes)


@contextmanager
def without_weights() -> Iterator[None]:
    """Build models without allocating weights."""
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        keras.utils.clear_session(free_memory=False)


def write_architecture(name: str) -> tuple[str, Form]:
    """Return Keras's JSON of an architecture, and its counts and shapes."""
    with without_weights():
        model = ARCHITECTURES[name](weights=None)
        return model.to_json(), find_form(model)
