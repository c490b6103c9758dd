"""Stored graphs are expanded and models are found at every place of a layer."""

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


def make_expansion(
    stored: Blueprint | None = SOURCE, model: Blueprint | None = SOURCE
) -> Expansion:
    return Expansion(graph_of={STORED: stored}.get, model_of={MODEL: model}.get)


def test_definition_without_ids_stays_unchanged() -> None:
    walk = make_expansion()
    definition = graph("d", layers={"d": {"type": "Dense", "config": {"units": 2}}})
    assert walk.blueprint(definition, ()) == Blueprint(definition=definition)
    assert walk.faults == []


def test_stored_graph_is_expanded_in_nodes_layers_and_nested_graphs() -> None:
    by_id = {"type": "Graph", "graph": STORED}
    inline = {"type": "Graph", "graph": graph(by_id).model_dump(by_alias=True)}
    at_node = find_layer(expand(graph(by_id)))
    in_layers = expand(graph("g", layers={"g": by_id})).layers["g"]
    around = find_layer(expand(graph(inline)))
    assert isinstance(around, GraphLayer)
    assert isinstance(around.graph, GraphDefinition)
    for layer in (at_node, in_layers, find_layer(around.graph)):
        assert isinstance(layer, GraphLayer)
        assert layer.graph == INNER


def find_layer(definition: GraphDefinition) -> LayerObject | str:
    node = definition.nodes[0]
    assert isinstance(node, LayerNode)
    return node.layer


def expand(definition: GraphDefinition) -> GraphDefinition:
    return make_expansion().blueprint(definition, ()).definition


def test_stored_graph_in_a_wrapper_is_expanded_as_json() -> None:
    by_id = {"type": "Graph", "graph": STORED}
    wrapper = {"type": "TimeDistributed", "config": {"layer": by_id}}
    layer = find_layer(expand(graph(wrapper)))
    assert isinstance(layer, KerasLayer)
    assert layer.config["layer"] == {
        "type": "Graph",
        "graph": INNER.model_dump(mode="json", by_alias=True),
    }


def test_models_inside_stored_graphs_are_found() -> None:
    as_layer = {"type": "Model", "model": MODEL}
    assert make_expansion().blueprint(graph(as_layer), ()).sources == {MODEL: SOURCE}
    stored = Blueprint(definition=graph(as_layer), sources={MODEL: SOURCE})
    outer = graph({"type": "Graph", "graph": STORED})
    assert make_expansion(stored=stored).blueprint(outer, ()).sources == {MODEL: SOURCE}


def test_unknown_ids_are_refused_at_their_places() -> None:
    walk = make_expansion(stored=None, model=None)
    wrapped = {"type": "Bidirectional", "config": {"layer": {"type": "Model", "model": MODEL}}}
    definition = graph(wrapped, layers={"g": {"type": "Graph", "graph": STORED}})
    walk.blueprint(definition, ("definition",))
    assert [(fault.pointer, fault.detail) for fault in walk.faults] == [
        ("/definition/layers/g/graph", f"There is no graph '{STORED}'."),
        ("/definition/nodes/0/layer/config/layer/model", f"There is no model '{MODEL}'."),
    ]


def test_unreadable_layers_stay_unchanged() -> None:
    definition = graph({"type": "TimeDistributed", "config": {"layer": {"no": "type"}}})
    walk = make_expansion()
    assert walk.blueprint(definition, ()).definition == definition
    assert walk.faults == []
