"""The states of recurrent layers: a graph lists them flat, Keras nests those of stacked cells."""

from typing import Any

import keras

from compiler.keras_private import ConvLSTM

ARGUMENTS = frozenset({"initial_state", "states"})
"""What the calls of recurrent layers and of cells name them."""


def reason_against(layer: Any, argument: str, value: Any) -> str | None:
    """Why an argument of a call cannot be the states of a layer, if it is to be and cannot."""
    if argument not in ARGUMENTS:
        return None
    wanted = len(keras.tree.flatten(_sizes(layer)))
    given = len(value) if isinstance(value, list) else 1
    if wanted in (0, given):
        return None
    return f"This layer has {wanted} state{'s' * (wanted != 1)}, a tensor each; {given} given."


def packed(layer: Any, value: Any) -> Any:
    """States as a layer takes them: of stacked cells, those of each cell in a list."""
    sizes = _sizes(layer)
    if any(keras.tree.is_nested(size) for size in sizes):
        return keras.tree.pack_sequence_as(sizes, value if isinstance(value, list) else [value])
    return value


def _sizes(layer: Any) -> list[Any]:
    """How large each state is; of stacked cells in a list for each cell."""
    if isinstance(layer, keras.layers.Bidirectional):
        return [*_sizes(layer.forward_layer), *_sizes(layer.backward_layer)]
    if isinstance(layer, ConvLSTM):
        return [layer.filters] * 2  # `state_size` of these is a mere -1
    sizes = getattr(layer, "state_size", [])
    return [sizes] if isinstance(sizes, int) else list(sizes)
