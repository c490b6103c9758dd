"""Nests the states of recurrent layers as Keras does.

A graph lists states flat; Keras nests the states of stacked cells.
"""

from typing import Any

import keras

from compiler.keras_private import ConvLSTM

ARGUMENTS = frozenset({"initial_state", "states"})
"""The call arguments of recurrent layers and cells that take states."""


def explain_misfit(layer: Any, argument: str, value: Any) -> str | None:
    """Explain why a value cannot be the states of a layer.

    Returns:
        None if the value can be the states, or if the argument takes none.
    """
    if argument not in ARGUMENTS:
        return None
    wanted = len(keras.tree.flatten(_find_sizes(layer)))
    given = len(value) if isinstance(value, list) else 1
    if wanted in (0, given):
        return None
    return f"This layer has {wanted} state{'s' * (wanted != 1)}, one tensor each; {given} given."


def pack(layer: Any, value: Any) -> Any:
    """Nest states as a layer takes them: stacked cells take one list for each cell."""
    sizes = _find_sizes(layer)
    if any(keras.tree.is_nested(size) for size in sizes):
        return keras.tree.pack_sequence_as(sizes, value if isinstance(value, list) else [value])
    return value


def _find_sizes(layer: Any) -> list[Any]:
    """Return the size of each state; for stacked cells, one list for each cell."""
    if isinstance(layer, keras.layers.Bidirectional):
        return [*_find_sizes(layer.forward_layer), *_find_sizes(layer.backward_layer)]
    if isinstance(layer, ConvLSTM):
        return [layer.filters] * 2  # the `state_size` of these layers is -1
    sizes = getattr(layer, "state_size", [])
    return [sizes] if isinstance(sizes, int) else list(sizes)
