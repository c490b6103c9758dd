"""Stored graphs written out, and models found, wherever a layer may stand."""

from typing import Any

from domain.graph.expand import Expansion
from domain.graph.language import (
    Blueprint,
    GraphDefinition,
    GraphLayer,
    KerasLayer,
    LayerNode,
    LayerObject,
)

ULID = "0" * 26
STORED, MODEL = f"graph_{ULID}", f"model_{ULID}"


def graph(layer: Any, **changes: Any) -> GraphDefinition:
    document = {
        "inputs": [{"name": "x", "shape": [4]}],
        "nodes": [{"name": "y", "layer": layer, "inputs": "x"}],
        "outputs": ["y"],
        **changes,
    }
    return GraphDefinition.model_validate(document)


INNER = graph({"type": "Dense", "config": {"units": 3}})
SOURCE = Blueprint(definition=INNER)


def expansion(stored: Blueprint | None = SOURCE, model: Blueprint | None = SOURCE) -> Expansion:
    return Expansion(graph_of={STORED: stored}.get, model_of={MODEL: model}.get)


def test_what_names_nothing_stored_stays_as_it_is() -> None:
    walk = expansion()
    definition = graph("d", layers={"d": {"type": "Dense", "config": {"units": 2}}})
    assert walk.blueprint(definition, ()) == Blueprint(definition=definition)
    assert walk.faults == []


def test_a_stored_graph_is_written_out_at_nodes_in_layers_and_in_graphs() -> None:
    by_id = {"type": "Graph", "graph": STORED}
    inline = {"type": "Graph", "graph": graph(by_id).model_dump(by_alias=True)}
    at_node = layer_at_node(expanded(graph(by_id)))
    in_layers = expanded(graph("g", layers={"g": by_id})).layers["g"]
    around = layer_at_node(expanded(graph(inline)))
    assert isinstance(around, GraphLayer)
    assert isinstance(around.graph, GraphDefinition)
    for layer in (at_node, in_layers, layer_at_node(around.graph)):
        assert isinstance(layer, GraphLayer)
        assert layer.graph == INNER


def layer_at_node(definition: GraphDefinition) -> LayerObject | str:
    node = definition.nodes[0]
    assert isinstance(node, LayerNode)
    return node.layer


def expanded(definition: GraphDefinition) -> GraphDefinition:
    return expansion().blueprint(definition, ()).definition


def test_wrappers_hold_what_is_written_out_as_json() -> None:
    by_id = {"type": "Graph", "graph": STORED}
    wrapper = {"type": "TimeDistributed", "config": {"layer": by_id}}
    layer = layer_at_node(expanded(graph(wrapper)))
    assert isinstance(layer, KerasLayer)
    assert layer.config["layer"] == {
        "type": "Graph",
        "graph": INNER.model_dump(mode="json", by_alias=True),
    }


def test_models_are_found_also_inside_stored_graphs() -> None:
    as_layer = {"type": "Model", "model": MODEL}
    assert expansion().blueprint(graph(as_layer), ()).sources == {MODEL: SOURCE}
    stored = Blueprint(definition=graph(as_layer), sources={MODEL: SOURCE})
    outer = graph({"type": "Graph", "graph": STORED})
    assert expansion(stored=stored).blueprint(outer, ()).sources == {MODEL: SOURCE}


def test_unknown_ids_are_faults_at_their_places() -> None:
    walk = expansion(stored=None, model=None)
    wrapped = {"type": "Bidirectional", "config": {"layer": {"type": "Model", "model": MODEL}}}
    definition = graph(wrapped, layers={"g": {"type": "Graph", "graph": STORED}})
    walk.blueprint(definition, ("definition",))
    assert [(fault.pointer, fault.detail) for fault in walk.faults] == [
        ("/definition/layers/g/graph", f"There is no graph '{STORED}'."),
        ("/definition/nodes/0/layer/config/layer/model", f"There is no model '{MODEL}'."),
    ]


def test_what_cannot_be_read_is_left_to_the_rules() -> None:
    definition = graph({"type": "TimeDistributed", "config": {"layer": {"no": "type"}}})
    walk = expansion()
    assert walk.blueprint(definition, ()).definition == definition
    assert walk.faults == []
