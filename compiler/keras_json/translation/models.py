"""Translates the models of a document, also nested ones, to graphs."""

from functools import partial
from typing import Any

from compiler.keras_json.parsing.document import FaultCollector
from compiler.keras_json.parsing.fixed_training import unwrap_fixed_training
from compiler.keras_json.parsing.model_config import is_input_layer, is_model, parse_model
from compiler.keras_json.parsing.parsed_model import Layer
from compiler.keras_json.translation.callees import Callee, Function, LayerCallee, NestedGraph
from compiler.keras_json.translation.fragment import Fragment
from compiler.keras_json.translation.graph_builder import Graph, GraphBuilder
from compiler.keras_json.translation.inputs import check_inputs
from compiler.keras_json.translation.layers import Context, LayerTranslator, keras_class_name
from compiler.keras_json.translation.names import NameMap, choose_shared_names
from compiler.keras_json.translation.operations import is_operation, parse_operation
from domain.graph.walk import Place


class ModelTranslator:
    """Translates the models of one document."""

    def __init__(self, names: NameMap, collector: FaultCollector) -> None:
        self.names = names
        self.collector = collector
        self._layers = LayerTranslator(collector, self._translate_nested)

    def graph(self, spec: dict[str, Any], place: Place, context: Context) -> Graph:
        """Return the graph of a serialized model.

        Raises:
            Invalid: The model is unusable as a whole; other faults go to the collector.
        """
        keras_class_name(spec, place)
        model = unwrap_fixed_training(parse_model(spec, place, self.collector))
        check_inputs(model)
        shared = choose_shared_names(model, context.shared, self.names)
        inner = context.within(spec.get("config"), shared.values())
        callees = {
            layer.name: callee
            for layer in model.layers.values()
            if not is_input_layer(layer)
            and (callee := self.collector.attempt(partial(self._callee, layer, inner)))
        }
        return GraphBuilder(model, callees, shared, self.names, self.collector).graph()

    def _callee(self, layer: Layer, context: Context) -> Callee:
        if is_operation(layer.spec):
            return Function(parse_operation(layer.spec, layer.place))
        if not is_model(layer.spec):
            return LayerCallee(self._layers.layer(layer.spec, layer.place, context))
        graph = self.graph(layer.spec, layer.place, context)
        made = _graph_layer(graph, layer.place)
        return NestedGraph(made, graph.input_names, graph.layer_names, graph.outputs)

    def _translate_nested(self, spec: dict[str, Any], place: Place, context: Context) -> Fragment:
        return _graph_layer(self.graph(spec, place, context), place)


def _graph_layer(graph: Graph, place: Place) -> Fragment:
    """Return a layer object of type `Graph`."""
    places = {(): place, **graph.definition.under("graph")}
    return Fragment({"type": "Graph", "graph": graph.definition.value}, places)
