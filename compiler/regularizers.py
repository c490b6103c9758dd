"""Which regularizers fit what they are of: the weightless check computes no loss."""

from collections.abc import Iterable
from typing import Any

import keras

from domain.shapes import shown


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
