"""Refuses initializers, regularizers and constraints that do not fit their shapes.

The check without weights applies none of them, so Keras finds such an error only in training.
"""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from compiler.keras_private import get_initializer, get_inner_layers
from compiler.model.refusals import Refusal
from domain.graph.shapes import format_shape

_RANKS = (
    (keras.initializers.Identity, (2, 2)),
    (keras.initializers.Orthogonal, (2, None)),
    (keras.initializers.STFT, (3, 3)),
)
"""The minimum and maximum number of axes that each initializer can fill."""


def refuse_initializers(weights: Iterable[Any]) -> None:
    """Refuse weights that their initializer cannot fill.

    Raises:
        Refusal: The shape of a weight does not fit its initializer.
    """
    for variable in weights:
        initializer, shape = get_initializer(variable), tuple(variable.shape)
        for kind, (minimum, maximum) in _RANKS:
            has_rank = minimum <= len(shape) <= (maximum or len(shape))
            if isinstance(initializer, kind) and not (has_rank and _has_channels(kind, shape)):
                name = type(initializer).__name__
                raise Refusal(f"{name} cannot fill '{variable.name}' of shape {list(shape)}.")


def refuse_arrays(layer: Any) -> None:
    """Refuse weights whose initializer is an array of another shape, which Keras would broadcast.

    Raises:
        Refusal: An array of `Constant` has not the shape of the weight.
    """
    for variable in layer.weights:
        shape, given = tuple(variable.shape), _get_array_shape(get_initializer(variable))
        if given not in ((), shape):
            raise Refusal(
                f"The array of Constant has the shape {list(given)}; '{variable.name}' has "
                f"{list(shape)}."
            )
    _refuse_partial_arrays(layer)


def _refuse_partial_arrays(layer: Any) -> None:
    """Refuse an array for a bias of which Keras asks the initializer for parts alone."""
    given = _get_array_shape(getattr(layer, "bias_initializer", None))
    if given != () and getattr(layer, "unit_forget_bias", False):
        raise Refusal(
            "With `unit_forget_bias` a part of the bias is 1, so that an array cannot give all of "
            "it: set `unit_forget_bias` to false."
        )
    for inner in get_inner_layers(layer):
        _refuse_partial_arrays(inner)


def _get_array_shape(initializer: Any) -> tuple[int, ...]:
    """Return the shape of the array of `Constant`; it is empty without one."""
    is_constant = isinstance(initializer, keras.initializers.Constant)
    return np.shape(initializer.value) if is_constant else ()


def _has_channels(kind: Any, shape: tuple[int, ...]) -> bool:
    """Return whether an initializer fills all channels: STFT always fills one."""
    return kind is not keras.initializers.STFT or shape[1] == 1


def refuse_regularizers(layer: Any, outputs: Iterable[Any]) -> None:
    """Refuse regularizers whose loss cannot be computed.

    Args:
        layer: The layer that owns the weights.
        outputs: The tensors that the layer returned.

    Raises:
        Refusal: A regularizer does not take the shape of a weight or an output.
    """
    regularized = [(v.regularizer, f"'{v.name}'", v.shape) for v in layer.weights]
    regularized += [(layer.activity_regularizer, "the layer's output", t.shape) for t in outputs]
    for regularizer, name, shape in regularized:
        if isinstance(regularizer, keras.regularizers.OrthogonalRegularizer) and len(shape) != 2:
            raise Refusal(
                f"OrthogonalRegularizer takes two axes; {name} is of shape {format_shape(shape)}."
            )


def refuse_constraints(weights: Iterable[Any]) -> None:
    """Refuse constraints along axes that a weight does not have or that are named twice.

    Raises:
        Refusal: The axes of a constraint do not fit the shape of its weight.
    """
    for weight in weights:
        axes, rank = getattr(weight.constraint, "axis", ()), len(weight.shape)
        listed = axes if isinstance(axes, list | tuple) else [axes]
        exist = all(-rank <= axis < rank for axis in listed)
        if not exist or len({axis % rank for axis in listed}) < len(listed):
            raise Refusal(
                f"A constraint of '{weight.name}' along {listed} does not fit "
                f"{format_shape(weight.shape)}."
            )
