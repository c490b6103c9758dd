"""Replaces the ids of stored graphs by their definitions, and finds the models used as layers.

A stored graph was checked alone, so it uses no name of an enclosing graph. The expanded graph is
therefore not checked for shadowed names again; a name refers to the innermost entry of `layers`.
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
from domain.json.pointer import pointer

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
        return Blueprint(definition=self._expand_graph(definition, place), sources=self.sources)

    def _expand_graph(self, graph: GraphDefinition, place: Place) -> GraphDefinition:
        layers = {
            name: self._expand_layer(layer, (*place, "layers", name))
            for name, layer in graph.layers.items()
        }
        nodes = [
            self._expand_node(node, (*place, "nodes", i)) for i, node in enumerate(graph.nodes)
        ]
        return graph.model_copy(update={"layers": layers, "nodes": nodes})

    def _expand_node(self, node: Node, place: Place) -> Node:
        if isinstance(node, OpNode) or isinstance(node.layer, str):
            return node
        return node.model_copy(update={"layer": self._expand_layer(node.layer, (*place, "layer"))})

    def _expand_layer(self, layer: LayerObject, place: Place) -> LayerObject:
        if isinstance(layer, GraphLayer):
            return self._expand_graph_layer(layer, place)
        if isinstance(layer, ModelLayer):
            self._find_model(layer, place)
            return layer
        config = {
            name: self._expand_argument(value, (*place, "config", name))
            if name in LAYER_ARGUMENTS
            else value
            for name, value in layer.config.items()
        }
        return KerasLayer.model_construct(type=layer.type, config=config)

    def _expand_graph_layer(self, layer: GraphLayer, place: Place) -> GraphLayer:
        inner = (*place, "graph")
        if isinstance(layer.graph, GraphDefinition):
            return layer.model_copy(update={"graph": self._expand_graph(layer.graph, inner)})
        stored = self.graph_of(layer.graph)
        if stored is None:
            self._report_missing("graph", layer.graph, inner)
            return layer
        self.sources.update(stored.sources)
        return layer.model_copy(update={"graph": stored.definition})

    def _find_model(self, layer: ModelLayer, place: Place) -> None:
        source = self.model_of(layer.model)
        if source is None:
            self._report_missing("model", layer.model, (*place, "model"))
        else:
            self.sources[layer.model] = source

    def _expand_argument(self, value: JsonValue, place: Place) -> JsonValue:
        """Expand a layer argument of a wrapper: one layer, or a list of layers."""
        if isinstance(value, list):
            return [self._expand_inner_layer(item, (*place, i)) for i, item in enumerate(value)]
        return self._expand_inner_layer(value, place)

    def _expand_inner_layer(self, value: JsonValue, place: Place) -> JsonValue:
        if not isinstance(value, dict):
            return value
        try:
            layer = parse_layer(value)
        except ValidationError:  # the structural rules report this fault
            return value
        if isinstance(layer, str):
            return value
        expanded: dict[str, Any] = self._expand_layer(layer, place).model_dump(
            mode="json", by_alias=True
        )
        return expanded

    def _report_missing(self, kind: str, identifier: str, place: Place) -> None:
        fault = Fault(pointer=pointer(*place), detail=f"There is no {kind} '{identifier}'.")
        self.faults.append(fault)
