"""Refuses initializers, regularizers and constraints that do not fit their shapes.

The check without weights applies none of them, so Keras finds such an error only in training.
"""

from collections.abc import Iterable
from typing import Any

import keras

from compiler.keras_private import get_initializer
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
