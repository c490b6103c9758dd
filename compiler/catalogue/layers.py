"""The layers that a graph may use, by the names of Keras's classes."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from types import MappingProxyType
from typing import Any, cast

import keras

from compiler.catalogue.argument_values import read
from compiler.catalogue.arguments import Argument, arguments_of
from compiler.catalogue.configs import check_value, find_config_faults
from compiler.catalogue.families import family_of
from compiler.catalogue.op_faults import find_op_faults
from compiler.keras_private import CustomScaleLayer, LayerScale, get_folder
from domain.catalogue import LayerKind
from domain.errors import MOST_FAULTS, Fault, not_offered
from domain.graph.language import LAYER_ARGUMENTS, GraphDefinition, KerasLayer, OpNode
from domain.graph.walk import Level, Place, walk_layers, walk_levels
from domain.json.pointer import pointer

LEFT_OUT: Mapping[str, str] = MappingProxyType(
    {
        "Equalization": "In a graph, Keras's own gives its input back and does nothing.",
        "InputLayer": "Inputs belong in the graph's `inputs`.",
        "InputSpec": "It is no layer; it describes to Keras what a layer takes.",
        "Layer": "It is abstract and does nothing.",
        "Wrapper": "It is abstract; take TimeDistributed or Bidirectional.",
        "Lambda": "It runs code of the client's, which is never done here.",
        "TFSMLayer": "It reads a file on the server.",
        "JaxLayer": "It needs a Python object.",
        "FlaxLayer": "It needs a Python object.",
        "TorchModuleWrapper": "It needs a Python object.",
    }
)
"""The members of `keras.layers` that no graph may use, each with the reason."""
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
    alias_of: str | None = None
    """The type that this name is an alias of."""

    @property
    def kind(self) -> LayerKind:
        """The folder of Keras's source that defines it."""
        return cast(LayerKind, get_folder(self.cls))

    @cached_property
    def arguments(self) -> Mapping[str, Argument]:
        """The arguments that a client may give."""
        taken = arguments_of(self.cls)
        return {name: taken[name] for name in taken if name not in _REFUSED}

    def read(self, argument: str, value: Any) -> Any:
        """Convert the JSON value of an argument to what the Keras class takes.

        Args:
            argument: An argument that takes neither layers nor a member of a family.
            value: A value without faults.
        """
        value = read(self.arguments[argument], value)
        return tuple(value) if argument == "ngrams" and isinstance(value, list) else value

    def faults(self, config: Mapping[str, Any], place: Place) -> Iterator[Fault]:
        """Find the faults of a config, except those of layers in it."""
        refused = config.keys() & _REFUSED.keys() & arguments_of(self.cls).keys() | (
            config.keys() & {"name"}
        )
        for name in refused:
            yield Fault(pointer=pointer(*place, name), detail=_REFUSED[name])
        rest = {name: value for name, value in config.items() if name not in refused}
        yield from find_config_faults(self.cls, rest, place, self.arguments, _value_faults)


def _value_faults(argument: Argument, value: Any, place: Place) -> Iterator[Fault]:
    family = family_of(argument.name)
    if family:
        yield from family.faults(value, place)
    elif argument.name not in LAYER_ARGUMENTS:  # the domain checks the structure of these
        yield from check_value(argument, value, place)
    elif value == []:
        yield Fault(pointer=pointer(*place), detail=f"'{argument.name}' must hold a layer.")
    elif value is None and argument.is_required:
        detail = f"'{argument.name}' must be a layer or the name of a shared one."
        yield Fault(pointer=pointer(*place), detail=detail)


def _offered() -> dict[str, Entry]:
    exported = inspect.getmembers(keras.layers, inspect.isclass)
    known = {name: cls for name, cls in exported if name not in LEFT_OUT} | {
        "LayerScale": LayerScale,
        "CustomScaleLayer": CustomScaleLayer,
    }
    own_names = {cls: name for name, cls in known.items() if name == cls.__name__}
    return {
        name: Entry(name, cls, None if (own := own_names.get(cls, name)) == name else own)
        for name, cls in sorted(known.items())
    }


CATALOGUE: Mapping[str, Entry] = MappingProxyType(_offered())


def find_layer_faults(layer: KerasLayer, place: Place) -> Iterator[Fault]:
    """Find the faults in the type and config of a layer object.

    Args:
        layer: The layer object.
        place: Its place in the document.
    """
    entry = CATALOGUE.get(layer.type)
    if entry:
        yield from entry.faults(layer.config, (*place, "config"))
        return
    known = [*CATALOGUE, "Graph", "Model"]
    detail = not_offered("layer type", layer.type, known, LEFT_OUT)
    yield Fault(pointer=pointer(*place, "type"), detail=detail)


def find_definition_faults(definition: GraphDefinition) -> list[Fault]:
    """Find the faults in all configs of a graph, including wrapped and nested layers.

    Returns:
        At most MOST_FAULTS faults.
    """
    faults = (fault for level in walk_levels(definition) for fault in _level_faults(level))
    return list(islice(faults, MOST_FAULTS))


def _level_faults(level: Level) -> Iterator[Fault]:
    for place, layer in walk_layers(level):
        if isinstance(layer, KerasLayer):
            yield from find_layer_faults(layer, place)
    for i, node in enumerate(level.graph.nodes):
        if isinstance(node, OpNode):
            yield from find_op_faults(node, (*level.place, "nodes", i))
