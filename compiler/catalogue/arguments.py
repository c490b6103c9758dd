"""The arguments that a Keras class takes, read from its signature.

`compiler/catalogue/layers.py` removes the arguments that a graph may not give, such as `name`.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import keras

from compiler.keras_private import ImageLayer

REQUIRED = inspect.Parameter.empty
_BASE = ("activity_regularizer", "trainable", "dtype", "autocast")
_KEYWORD_ONLY = {
    "zero_output_for_mask": (keras.layers.RNN, False),
    "bounding_box_format": (ImageLayer, None),
}
"""Arguments that subclasses of a base take in `**kwargs`: the base and the default."""
_REQUIRED = {
    "CategoryEncoding": "num_tokens",
}
"""Arguments that a graph must give, while Keras has a default with which nothing can be built."""


@dataclass(frozen=True)
class Argument:
    """One argument of a Keras class."""

    name: str
    default: Any = REQUIRED
    owner: type | None = None
    """The class that takes the argument."""

    @property
    def is_required(self) -> bool:
        """Whether Keras has no default for it."""
        return self.default is REQUIRED


@cache
def arguments_of(cls: type) -> Mapping[str, Argument]:
    """Returns the arguments of a class by name, in Keras's order; those of base `Layer` last."""
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]  # type: ignore[misc]
    needed = _REQUIRED.get(cls.__name__)
    known = {
        p.name: Argument(p.name, REQUIRED if p.name == needed else p.default, cls)
        for p in parameters
        if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    }
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters)
    if open_ended and issubclass(cls, keras.layers.Layer):
        base = inspect.signature(keras.layers.Layer.__init__).parameters
        known |= {n: Argument(n, base[n].default, cls) for n in _BASE if n not in known}
        known |= {
            name: Argument(name, default, cls)
            for name, (owner, default) in _KEYWORD_ONLY.items()
            if issubclass(cls, owner) and name not in known
        }
    return known
