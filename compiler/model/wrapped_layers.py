"""Refuses layers that a wrapper cannot wrap."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras

from compiler.catalogue.layers import CATALOGUE
from compiler.model.scope import BuiltLayer
from domain.errors import Fault, Invalid
from domain.graph.walk import Place
from domain.json.pointer import pointer


class _Requirement(NamedTuple):
    noun: str
    classes: tuple[Any, ...]


_CELL = _Requirement(
    "a cell",
    (
        keras.layers.GRUCell,
        keras.layers.LSTMCell,
        keras.layers.SimpleRNNCell,
        keras.layers.StackedRNNCells,
    ),
)
_REQUIREMENTS: Mapping[str, _Requirement] = {
    "Bidirectional": _Requirement("a recurrent layer", (keras.layers.RNN,)),
    "RNN": _CELL,
    "StackedRNNCells": _CELL,
}


def refuse_other_layers(wrapper: str, layer: BuiltLayer, place: Place) -> None:
    """Refuse a layer that a wrapper cannot wrap.

    Args:
        wrapper: The wrapper's type.
        layer: The layer in one of its arguments.
        place: The place of the layer in the document.

    Raises:
        Invalid: The wrapper takes other layers; the fault lists them.
    """
    wanted = _REQUIREMENTS.get(wrapper)
    if wanted and not isinstance(layer.keras, wanted.classes):
        fitting = [n for n, entry in CATALOGUE.items() if issubclass(entry.cls, wanted.classes)]
        detail = f"{wrapper} holds {wanted.noun} ({', '.join(fitting)}), not {layer.type}."
        raise Invalid([Fault(pointer=pointer(*place), detail=detail)])
