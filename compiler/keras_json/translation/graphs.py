"""The models of a document as graphs, those inside models included."""

from functools import partial
from typing import Any

from compiler.keras_json.parsing.calls import Layer
from compiler.keras_json.parsing.document import Gathered
from compiler.keras_json.parsing.models import is_input, is_model, model_of
from compiler.keras_json.parsing.standins import without_stand_ins
from compiler.keras_json.translation.assembly import Assembly, Graph
from compiler.keras_json.translation.callees import AnyCallee, Callee, Function, NestedGraph
from compiler.keras_json.translation.inputs import check_inputs
from compiler.keras_json.translation.layers import Around, LayerReader, own_kind
from compiler.keras_json.translation.names import Names
from compiler.keras_json.translation.naming import shared_names
from compiler.keras_json.translation.operations import is_operation, operation
from compiler.keras_json.translation.part import Part
from domain.graph.walk import Place


class GraphReader:
    """Reads the models of one document."""

    def __init__(self, names: Names, gathered: Gathered) -> None:
        self.names = names
        self.gathered = gathered
        self._layers = LayerReader(gathered, self._graph_layer)

    def graph(self, spec: dict[str, Any], place: Place, around: Around) -> Graph:
        """The graph of a serialized model.

        Raises:
            Invalid: it cannot be read at all; what else is wrong is gathered.
        """
        own_kind(spec, place)
        model = without_stand_ins(model_of(spec, place, self.gathered))
        check_inputs(model)
        shared = shared_names(model, around.shared, self.names)
        inner = around.within(spec.get("config"), shared.values())
        callees = {
            layer.name: callee
            for layer in model.layers.values()
            if not is_input(layer)
            and (callee := self.gathered.attempt(partial(self._callee, layer, inner)))
        }
        return Assembly(model, callees, shared, self.names, self.gathered).graph()

    def _callee(self, layer: Layer, around: Around) -> AnyCallee:
        if is_operation(layer.spec):
            return Function(operation(layer.spec, layer.place))
        if not is_model(layer.spec):
            return Callee(self._layers.layer(layer.spec, layer.place, around))
        graph = self.graph(layer.spec, layer.place, around)
        return NestedGraph(
            _layer_of(graph, layer.place), graph.input_names, graph.layer_names, graph.outputs
        )

    def _graph_layer(self, spec: dict[str, Any], place: Place, around: Around) -> Part:
        return _layer_of(self.graph(spec, place, around), place)


def _layer_of(graph: Graph, place: Place) -> Part:
    places = {(): place, **graph.part.under("graph")}
    return Part({"type": "Graph", "graph": graph.part.value}, places)
