"""Replaces the ids of stored graphs by their definitions, and finds the models used as layers.

A stored graph was checked alone, so it uses no name of an enclosing graph. The expanded graph is
therefore not checked for shadowed names again; a name means the innermost entry of `layers`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue, ValidationError

from domain.errors import Fault
from domain.graph.language import (
    LAYER_ARGUMENTS,
    Blueprint,
    GraphDefinition,
    GraphLayer,
    KerasLayer,
    LayerObject,
    ModelLayer,
    Node,
    OpNode,
    parse_layer,
)
from domain.graph.walk import Place
from domain.ids import ModelId
from domain.pointer import pointer

Lookup = Callable[[str], Blueprint | None]


@dataclass
class Expansion:
    """The expansion of one definition."""

    graph_of: Lookup
    """Returns the expanded stored graph with an id, or None."""
    model_of: Lookup
    """Returns the blueprint of the model with an id, or None."""
    faults: list[Fault] = field(default_factory=list)
    sources: dict[ModelId, Blueprint] = field(default_factory=dict)

    def blueprint(self, definition: GraphDefinition, place: Place) -> Blueprint:
        """Return the expanded definition; it is incomplete if there are `faults`."""
        return Blueprint(definition=self._graph(definition, place), sources=self.sources)

    def _graph(self, graph: GraphDefinition, place: Place) -> GraphDefinition:
        layers = {
            name: self._layer(layer, (*place, "layers", name))
            for name, layer in graph.layers.items()
        }
        nodes = [self._node(node, (*place, "nodes", i)) for i, node in enumerate(graph.nodes)]
        return graph.model_copy(update={"layers": layers, "nodes": nodes})

    def _node(self, node: Node, place: Place) -> Node:
        if isinstance(node, OpNode) or isinstance(node.layer, str):
            return node
        return node.model_copy(update={"layer": self._layer(node.layer, (*place, "layer"))})

    def _layer(self, layer: LayerObject, place: Place) -> LayerObject:
        if isinstance(layer, GraphLayer):
            return self._graph_layer(layer, place)
        if isinstance(layer, ModelLayer):
            self._model_layer(layer, place)
            return layer
        config = {
            name: self._argument(value, (*place, "config", name))
            if name in LAYER_ARGUMENTS
            else value
            for name, value in layer.config.items()
        }
        return KerasLayer.model_construct(type=layer.type, config=config)

    def _graph_layer(self, layer: GraphLayer, place: Place) -> GraphLayer:
        inner = (*place, "graph")
        if isinstance(layer.graph, GraphDefinition):
            return layer.model_copy(update={"graph": self._graph(layer.graph, inner)})
        stored = self.graph_of(layer.graph)
        if stored is None:
            self._missing("graph", layer.graph, inner)
            return layer
        self.sources.update(stored.sources)
        return layer.model_copy(update={"graph": stored.definition})

    def _model_layer(self, layer: ModelLayer, place: Place) -> None:
        source = self.model_of(layer.model)
        if source is None:
            self._missing("model", layer.model, (*place, "model"))
        else:
            self.sources[layer.model] = source

    def _argument(self, value: JsonValue, place: Place) -> JsonValue:
        """Expand a layer argument of a wrapper: one layer, or a list of layers."""
        if isinstance(value, list):
            return [self._inner_layer(item, (*place, i)) for i, item in enumerate(value)]
        return self._inner_layer(value, place)

    def _inner_layer(self, value: JsonValue, place: Place) -> JsonValue:
        if not isinstance(value, dict):
            return value
        try:
            layer = parse_layer(value)
        except ValidationError:  # the structural rules report it
            return value
        if isinstance(layer, str):
            return value
        expanded: dict[str, Any] = self._layer(layer, place).model_dump(mode="json", by_alias=True)
        return expanded

    def _missing(self, kind: str, identifier: str, place: Place) -> None:
        fault = Fault(pointer=pointer(*place), detail=f"There is no {kind} '{identifier}'.")
        self.faults.append(fault)
