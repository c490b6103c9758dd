"""Which regularizers and constraints fit what they are of: the weightless check applies none."""

from collections.abc import Iterable
from typing import Any

import keras

from domain.graph.shapes import shown


def refuse_regularizers(layer: Any, tensors: Iterable[Any]) -> None:
    """See that the losses of a layer's weights, and of what it gives, can be computed.

    Raises:
        ValueError: a regularizer does not take a shape.
    """
    asked = [(v.regularizer, f"'{v.name}'", v.shape) for v in layer.weights]
    asked += [(layer.activity_regularizer, "what the layer gives", t.shape) for t in tensors]
    for regularizer, said, shape in asked:
        if isinstance(regularizer, keras.regularizers.OrthogonalRegularizer) and len(shape) != 2:
            raise ValueError(
                f"OrthogonalRegularizer takes two axes; {said} is of shape {shown(shape)}."
            )


def refuse_constraints(weights: Iterable[Any]) -> None:
    """See that weights have the axes, each once, along which they are constrained.

    Raises:
        ValueError: one has not.
    """
    for weight in weights:
        axes, rank = getattr(weight.constraint, "axis", ()), len(weight.shape)
        listed = axes if isinstance(axes, list | tuple) else [axes]
        is_there = all(-rank <= axis < rank for axis in listed)
        if not is_there or len({axis % rank for axis in listed}) < len(listed):
            said = f"A constraint of '{weight.name}' along {listed}"
            raise ValueError(f"{said} does not fit {shown(weight.shape)}.")
