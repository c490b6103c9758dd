"""The layers that a graph may use, by Keras's own type names."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import keras

from compiler.arguments import Argument, arguments_of
from compiler.components import config_faults, plain_value
from compiler.parts import family_of
from domain.errors import Fault, did_you_mean
from domain.graph import LAYER_ARGUMENTS, GraphDefinition, KerasLayer
from domain.nesting import Place, holdings, levels
from domain.pointer import pointer

_EXCLUDED = {
    "InputLayer": "Inputs belong in the graph's `inputs`.",
    "Layer": "It is abstract and does nothing.",
    "Wrapper": "It is abstract; take TimeDistributed or Bidirectional.",
    "Lambda": "It runs code of the client's, which is never done here.",
    "TFSMLayer": "It reads a file on the server.",
    "JaxLayer": "It needs a Python object.",
    "FlaxLayer": "It needs a Python object.",
    "TorchModuleWrapper": "It needs a Python object.",
}
_REFUSED = {
    "name": "Layers are named by their `layers` entry or their node; leave 'name' out.",
    "weights": "Weights do not go in a graph; leave 'weights' out.",
    "quantization_config": "Quantized layers are not offered; leave it out.",
    "gptq_unpacked_column_size": "Quantized layers are not offered; leave it out.",
}


@dataclass(frozen=True)
class Entry:
    """One layer of the catalogue."""

    type: str
    cls: Any

    @cached_property
    def arguments(self) -> Mapping[str, Argument]:
        """The arguments that a client may give."""
        taken = arguments_of(self.cls)
        return {name: taken[name] for name in taken if name not in _REFUSED}

    def faults(self, config: Mapping[str, Any], place: Place) -> Iterator[Fault]:
        """What is wrong with a config, layers that it holds aside."""
        refused = config.keys() & _REFUSED.keys() & arguments_of(self.cls).keys() | (
            config.keys() & {"name"}
        )
        for name in refused:
            yield Fault(pointer=pointer(*place, name), detail=_REFUSED[name])
        rest = {name: value for name, value in config.items() if name not in refused}
        yield from config_faults(self.cls, rest, place, self.arguments, _value_faults)


def _value_faults(argument: Argument, value: Any, place: Place) -> Iterator[Fault]:
    family = family_of(argument.name)
    if family:
        yield from family.faults(value, place)
    elif argument.name not in LAYER_ARGUMENTS:  # those are structure, which domain checks
        yield from plain_value(argument, value, place)
    elif value is None and argument.is_required:
        detail = f"'{argument.name}' must be a layer or the name of a shared one."
        yield Fault(pointer=pointer(*place), detail=detail)


def _offered() -> dict[str, Entry]:
    members = inspect.getmembers(keras.layers, inspect.isclass)
    return {
        name: Entry(name, cls)
        for name, cls in members
        if issubclass(cls, keras.layers.Layer) and name not in _EXCLUDED
    }


CATALOGUE: Mapping[str, Entry] = MappingProxyType(_offered())


def layer_faults(layer: KerasLayer, place: Place) -> Iterator[Fault]:
    """Every fault in the type and config of one layer object at `place`."""
    entry = CATALOGUE.get(layer.type)
    if entry:
        yield from entry.faults(layer.config, (*place, "config"))
        return
    if layer.type in _EXCLUDED:
        detail = f"'{layer.type}' cannot be used. {_EXCLUDED[layer.type]}"
    else:
        near = did_you_mean(layer.type, [*CATALOGUE, "Graph", "Model"])
        detail = f"There is no layer type '{layer.type}'.{near}"
    yield Fault(pointer=pointer(*place, "type"), detail=detail)


def definition_faults(definition: GraphDefinition) -> list[Fault]:
    """Every fault in the configs of a graph, those of wrapped and nested layers included."""
    return [
        fault
        for level in levels(definition)
        for place, held in holdings(level)
        if isinstance(held, KerasLayer)
        for fault in layer_faults(held, place)
    ]
