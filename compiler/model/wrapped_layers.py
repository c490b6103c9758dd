"""Which layers the arguments of other layers may hold."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras

from compiler.catalogue.layers import CATALOGUE
from compiler.model.scope import Made
from domain.errors import Fault, Invalid
from domain.graph.walk import Place
from domain.pointer import pointer


class _Wanted(NamedTuple):
    noun: str
    classes: tuple[Any, ...]


_CELL = _Wanted(
    "a cell",
    (
        keras.layers.GRUCell,
        keras.layers.LSTMCell,
        keras.layers.SimpleRNNCell,
        keras.layers.StackedRNNCells,
    ),
)
_WANTED: Mapping[str, _Wanted] = {
    "Bidirectional": _Wanted("a recurrent layer", (keras.layers.RNN,)),
    "RNN": _CELL,
    "StackedRNNCells": _CELL,
}


def refuse_held(owner: str, held: Made, place: Place) -> None:
    """See that a layer may be held by one of another type.

    Raises:
        Invalid: it may not, with those that may.
    """
    wanted = _WANTED.get(owner)
    if wanted and not isinstance(held.keras, wanted.classes):
        fitting = [n for n, entry in CATALOGUE.items() if issubclass(entry.cls, wanted.classes)]
        detail = f"{owner} holds {wanted.noun} ({', '.join(fitting)}), not {held.type}."
        raise Invalid([Fault(pointer=pointer(*place), detail=detail)])
