"""The states of recurrent layers.

A graph lists them flat; Keras nests the states of stacked cells.
"""

from typing import Any

import keras

from compiler.keras_private import ConvLSTM

ARGUMENTS = frozenset({"initial_state", "states"})
"""The arguments of recurrent layers' and cells' calls that are states."""


def explain_misfit(layer: Any, argument: str, value: Any) -> str | None:
    """Explain why a value cannot be the states of a layer.

    Returns:
        None if it can, or if the argument does not take states.
    """
    if argument not in ARGUMENTS:
        return None
    wanted = len(keras.tree.flatten(_sizes(layer)))
    given = len(value) if isinstance(value, list) else 1
    if wanted in (0, given):
        return None
    return f"This layer has {wanted} state{'s' * (wanted != 1)}, a tensor each; {given} given."


def pack(layer: Any, value: Any) -> Any:
    """Nest states as a layer takes them: for stacked cells, one list for each cell."""
    sizes = _sizes(layer)
    if any(keras.tree.is_nested(size) for size in sizes):
        return keras.tree.pack_sequence_as(sizes, value if isinstance(value, list) else [value])
    return value


def _sizes(layer: Any) -> list[Any]:
    """The size of each state; for stacked cells, one list for each cell."""
    if isinstance(layer, keras.layers.Bidirectional):
        return [*_sizes(layer.forward_layer), *_sizes(layer.backward_layer)]
    if isinstance(layer, ConvLSTM):
        return [layer.filters] * 2  # their `state_size` is -1
    sizes = getattr(layer, "state_size", [])
    return [sizes] if isinstance(sizes, int) else list(sizes)
