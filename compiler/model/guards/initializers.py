"""Which initializers fit a weight's shape: the weightless check runs none of them."""

from collections.abc import Iterable
from typing import Any

import keras

_RANKS = (
    (keras.initializers.Identity, (2, 2)),
    (keras.initializers.Orthogonal, (2, None)),
    (keras.initializers.STFT, (3, 3)),
)
"""The fewest and the most axes that each can fill."""


def refuse_initializers(weights: Iterable[Any]) -> None:
    """See that the weights that are yet to be made can be.

    Raises:
        ValueError: an initializer cannot fill a weight's shape.
    """
    for variable in weights:
        initializer, shape = variable._initializer, tuple(variable.shape)
        for kind, (fewest, most) in _RANKS:
            fits = fewest <= len(shape) <= (most or len(shape)) and _has_channels(kind, shape)
            if isinstance(initializer, kind) and not fits:
                name = type(initializer).__name__
                raise ValueError(f"{name} cannot fill '{variable.name}' of shape {list(shape)}.")


def _has_channels(kind: Any, shape: tuple[int, ...]) -> bool:
    """STFT fills one channel, whatever it is asked for."""
    return kind is not keras.initializers.STFT or shape[1] == 1
