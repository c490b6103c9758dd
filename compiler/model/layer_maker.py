"""Makes Keras layers from layer objects and from names of shared layers."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from compiler.catalogue.families import family_of
from compiler.catalogue.layers import CATALOGUE
from compiler.keras_private import untrack
from compiler.model.keras_errors import locate_keras_errors
from compiler.model.scope import BuiltLayer, Path, Scope
from compiler.model.variable_keys import VariableKeys
from compiler.model.wrapped_layers import refuse_other_layers
from domain.errors import Fault, Invalid
from domain.graph.language import (
    LAYER_ARGUMENTS,
    GraphDefinition,
    GraphLayer,
    KerasLayer,
    LayerNode,
    LayerObject,
    ModelLayer,
    parse_layer,
)
from domain.graph.walk import Place
from domain.json.pointer import pointer

GraphBuilder = Callable[[Scope, str], BuiltLayer]
_STATEFUL = (
    "A stateful layer keeps its states from batch to batch, which needs a fixed number of rows; a "
    "graph takes any number. Leave `stateful` out. A graph returns states by `return_state` and "
    "takes them as the input `initial_state`."
)


class LayerMaker:
    """Makes each layer object once, in the same order as a Keras script."""

    def __init__(self, keys: VariableKeys, build_graph: GraphBuilder) -> None:
        self._keys = keys
        self._build_graph = build_graph

    def make_for_node(self, node: LayerNode, scope: Scope, place: Place) -> BuiltLayer:
        """Return the layer that a node calls; make it unless it is shared and was made before.

        Args:
            node: The node.
            scope: The graph of the node.
            place: The place of the node in the document.

        Raises:
            Invalid: Keras refuses the layer.
        """
        name = scope.node_names[node.name]
        return self._make(node.layer, scope, name, (*scope.path, name), (*place, "layer"))

    def _make(
        self, layer: LayerObject | str, scope: Scope, name: str, path: Path, place: Place
    ) -> BuiltLayer:
        if isinstance(layer, str):
            return self._make_shared(layer, scope)
        if isinstance(layer, GraphLayer):
            made = self._make_graph(layer, scope, name, path, place)
        elif isinstance(layer, ModelLayer):
            made = self._make_model(layer, scope, name, path, place)
        else:
            made = self._make_keras(layer, scope, name, path, place)
        self._keys.add_layer(made.keras, path)
        return made

    def _make_shared(self, entry: str, scope: Scope) -> BuiltLayer:
        definer = scope.find_definer(entry)
        if entry in definer.refused:  # the first use has reported all its faults
            raise Invalid(definer.refused[entry].faults[:1])
        if entry not in definer.shared:
            name = definer.shared_names[entry]
            place = (*definer.place, "layers", entry)
            layer = definer.definition.layers[entry]
            try:
                made = self._make(layer, definer, name, (*definer.path, name), place)
            except Invalid as refusal:
                definer.refused[entry] = refusal
                raise
            definer.shared[entry] = made
        return definer.shared[entry]

    def _make_graph(
        self, layer: GraphLayer, scope: Scope, name: str, path: Path, place: Place
    ) -> BuiltLayer:
        if not isinstance(layer.graph, GraphDefinition):
            raise TypeError(f"{layer.graph} was not expanded")
        inner = scope.open_nested(layer.graph, path, (*place, "graph"))
        return self._build_graph(inner, name)

    def _make_model(
        self, layer: ModelLayer, scope: Scope, name: str, path: Path, place: Place
    ) -> BuiltLayer:
        source = scope.sources[layer.model]
        inner = Scope(source.definition, source.sources, path=path, is_copy=True)
        try:
            made = self._build_graph(inner, name)
        except Invalid as refusal:  # its pointers lead into the trained model's definition
            fault = Fault(pointer=pointer(*place), detail=refusal.faults[0].detail)
            raise Invalid([fault]) from refusal
        if layer.trainable is not None:
            made.keras.trainable = layer.trainable
        if not scope.is_copy:
            self._keys.add_copy(layer.model, path)
        return made._replace(type="Model")

    def _make_keras(
        self, layer: KerasLayer, scope: Scope, name: str, path: Path, place: Place
    ) -> BuiltLayer:
        entry, config = CATALOGUE[layer.type], (*place, "config")
        if layer.config.get("stateful") is True:
            raise Invalid([Fault(pointer=pointer(*config, "stateful"), detail=_STATEFUL)])

        def locate(message: str) -> Place:
            return _find_argument(message, layer.config)

        arguments: dict[str, Any] = {}
        for argument, value in layer.config.items():
            if argument in LAYER_ARGUMENTS:
                inner, where = (*path, argument), (*config, argument)
                arguments[argument] = self._make_inner(
                    value, layer.type, scope, f"{name}_{argument}", inner, where
                )
            elif family := family_of(argument):
                with locate_keras_errors(config, locate):
                    arguments[argument] = family.resolve(value)
            else:
                arguments[argument] = entry.read(argument, value)
        with locate_keras_errors(config, locate):
            made = entry.cls(**arguments, name=name)
        if layer.type == "Bidirectional" and _names_shared(layer.config["layer"]):
            _share_forward(made, arguments["layer"])
        return BuiltLayer(made, layer.type)

    def _make_inner(
        self, value: Any, owner: str, scope: Scope, name: str, path: Path, place: Place
    ) -> Any:
        """Make the layer, or the list of layers, in an argument of a wrapper."""
        if value is None:
            return None
        if not isinstance(value, list):
            made = self._make(parse_layer(value), scope, name, path, place)
            refuse_other_layers(owner, made, place)
            return made.keras
        return [
            self._make_inner(item, owner, scope, f"{name}_{i}", (*path, str(i)), (*place, i))
            for i, item in enumerate(value)
        ]


def _find_argument(message: str, config: dict[str, Any]) -> Place:
    """Return the place of the argument that a message of Keras names; () if it names none."""
    for argument in config:
        if re.search(rf"[`'\"]{argument}[`'\"]|\b{argument}=", message):
            return (argument,)
    return ()


def _names_shared(value: Any) -> bool:
    """Return whether a layer argument is, or contains at any depth, the name of a shared layer."""
    return any(isinstance(layer, str) for layer in _walk_layers(value))


def _walk_layers(value: Any) -> Iterator[Any]:
    layer = parse_layer(value)
    yield layer
    if isinstance(layer, KerasLayer):
        for argument in LAYER_ARGUMENTS & layer.config.keys():
            inner = layer.config[argument]
            for item in inner if isinstance(inner, list) else [inner]:
                yield from _walk_layers(item)


def _share_forward(bidirectional: Any, layer: Any) -> None:
    """Make a Bidirectional use the shared layer itself instead of Keras's copy of it."""
    copy = bidirectional.forward_layer
    layer.zero_output_for_mask = copy.zero_output_for_mask
    for inner in (copy, bidirectional.backward_layer):  # Keras lists weights as they were tracked
        untrack(bidirectional, inner)
    bidirectional.forward_layer = layer
    bidirectional.backward_layer = bidirectional.backward_layer
