"""Makes Keras layers from layer objects and shared names."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from compiler.catalogue.families import family_of
from compiler.catalogue.layers import CATALOGUE
from compiler.keras_private import untrack
from compiler.model.keras_errors import attributed
from compiler.model.scope import Made, Path, Scope
from compiler.model.variable_keys import Ledger
from compiler.model.wrapped_layers import refuse_held
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
from domain.pointer import pointer

GraphMaker = Callable[[Scope, str], Made]


class LayerMaker:
    """Makes each layer object once, in the order of a Keras script."""

    def __init__(self, ledger: Ledger, make_graph: GraphMaker) -> None:
        self._ledger = ledger
        self._make_graph = make_graph

    def at_node(self, node: LayerNode, index: int, scope: Scope) -> Made:
        """The layer that a node calls: made now, unless it is shared and exists.

        Raises:
            Invalid: Keras refuses the layer.
        """
        name = scope.node_names[node.name]
        place = (*scope.place, "nodes", index, "layer")
        return self._any(node.layer, scope, name, (*scope.path, name), place)

    def _any(
        self, held: LayerObject | str, scope: Scope, name: str, path: Path, place: Place
    ) -> Made:
        if isinstance(held, str):
            return self._shared(held, scope)
        if isinstance(held, GraphLayer):
            made = self._graph(held, scope, name, path, place)
        elif isinstance(held, ModelLayer):
            made = self._model(held, scope, name, path, place)
        else:
            made = self._keras(held, scope, name, path, place)
        self._ledger.enter(made.keras, path)
        return made

    def _shared(self, entry: str, scope: Scope) -> Made:
        definer = scope.definer(entry)
        if entry in definer.refused:  # told at its first use, and dear to make again
            raise Invalid(definer.refused[entry].faults[:1])
        if entry not in definer.shared:
            name = definer.shared_names[entry]
            place = (*definer.place, "layers", entry)
            layer = definer.definition.layers[entry]
            try:
                made = self._any(layer, definer, name, (*definer.path, name), place)
            except Invalid as refusal:
                definer.refused[entry] = refusal
                raise
            definer.shared[entry] = made
        return definer.shared[entry]

    def _graph(self, layer: GraphLayer, scope: Scope, name: str, path: Path, place: Place) -> Made:
        if not isinstance(layer.graph, GraphDefinition):
            raise ValueError(f"{layer.graph} was not expanded")
        inner = scope.nested(layer.graph, path, (*place, "graph"))
        return self._make_graph(inner, name)

    def _model(self, layer: ModelLayer, scope: Scope, name: str, path: Path, place: Place) -> Made:
        source = scope.sources[layer.model]
        inner = Scope(source.definition, source.sources, path=path, is_copy=True)
        try:
            made = self._make_graph(inner, name)
        except Invalid as refusal:  # its pointers lead into the source's definition
            fault = Fault(pointer=pointer(*place), detail=refusal.faults[0].detail)
            raise Invalid([fault]) from refusal
        if layer.trainable is not None:
            made.keras.trainable = layer.trainable
        if not scope.is_copy:
            self._ledger.enter_copy(layer.model, path)
        return made._replace(type="Model")

    def _keras(self, layer: KerasLayer, scope: Scope, name: str, path: Path, place: Place) -> Made:
        config = (*place, "config")
        arguments: dict[str, Any] = {}
        with attributed(config, lambda text: _argument_in(text, layer.config)):
            for argument, value in layer.config.items():
                if argument in LAYER_ARGUMENTS:
                    inner, where = (*path, argument), (*config, argument)
                    arguments[argument] = self._held(
                        value, layer.type, scope, f"{name}_{argument}", inner, where
                    )
                else:
                    family = family_of(argument)
                    arguments[argument] = family.resolve(value) if family else value
            made = CATALOGUE[layer.type].make(arguments, name)
        if layer.type == "Bidirectional" and _names_shared(layer.config["layer"]):
            _share_forward(made, arguments["layer"])
        return Made(made, layer.type)

    def _held(
        self, value: Any, owner: str, scope: Scope, name: str, path: Path, place: Place
    ) -> Any:
        """The layer, or list of layers, that a wrapper's argument holds."""
        if value is None:
            return None
        if not isinstance(value, list):
            made = self._any(parse_layer(value), scope, name, path, place)
            refuse_held(owner, made, place)
            return made.keras
        return [
            self._held(item, owner, scope, f"{name}_{i}", (*path, str(i)), (*place, i))
            for i, item in enumerate(value)
        ]


def _argument_in(message: str, config: dict[str, Any]) -> Place:
    """The argument that Keras's message is about, if it names one that was given."""
    for argument in config:
        if re.search(rf"[`'\"]{argument}[`'\"]|\b{argument}=", message):
            return (argument,)
    return ()


def _names_shared(value: Any) -> bool:
    """Whether a layer argument names a shared layer, itself or deeper inside."""
    return any(isinstance(held, str) for held in _all_held(value))


def _all_held(value: Any) -> Iterator[Any]:
    held = parse_layer(value)
    yield held
    if isinstance(held, KerasLayer):
        for argument in LAYER_ARGUMENTS & held.config.keys():
            inner = held.config[argument]
            for item in inner if isinstance(inner, list) else [inner]:
                yield from _all_held(item)


def _share_forward(bidirectional: Any, layer: Any) -> None:
    """Put the shared layer itself in the place of the copy that Keras makes of it."""
    copy = bidirectional.forward_layer
    layer.zero_output_for_mask = copy.zero_output_for_mask
    for held in (copy, bidirectional.backward_layer):  # Keras lists weights as they were tracked
        untrack(bidirectional, held)
    bidirectional.forward_layer = layer
    bidirectional.backward_layer = bidirectional.backward_layer
