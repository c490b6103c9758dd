"""Each structural rule has the right place and detail of its fault."""

from typing import Any

import pytest

from domain.graph.language import GraphDefinition
from domain.graph.limits import Limits
from domain.graph.rules import find_graph_faults

DENSE = {"type": "Dense", "config": {"units": 1}}


def graph(**changes: Any) -> GraphDefinition:
    sound: dict[str, Any] = {
        "inputs": [{"name": "x", "shape": [4]}],
        "nodes": [{"name": "y", "layer": DENSE, "inputs": "x"}],
        "outputs": ["y"],
    }
    return GraphDefinition.model_validate({**sound, **changes})


def node(name: str, inputs: Any, layer: Any = DENSE) -> dict[str, Any]:
    return {"name": name, "layer": layer, "inputs": inputs}


def find_faults(definition: GraphDefinition, **limits: int) -> dict[str, str]:
    return {
        fault.pointer: fault.detail for fault in find_graph_faults(definition, Limits(**limits))
    }


def test_sound_graph_has_no_fault() -> None:
    assert find_faults(graph()) == {}


def test_nodes_may_have_any_order() -> None:
    assert find_faults(graph(nodes=[node("y", "h"), node("h", "x")])) == {}


def test_fault_of_an_unknown_reference_suggests_a_name() -> None:
    faults = find_faults(graph(nodes=[node("hidden", "x"), node("y", "hiden")]))
    assert "Did you mean 'hidden'?" in faults["/nodes/1/inputs"]


def test_fault_points_to_the_reference_inside_inputs() -> None:
    nodes = [node("y", {"query": "x", "value": ["a", "x"]}), node("z", ["y", "b"])]
    assert {"/nodes/0/inputs/value/0", "/nodes/1/inputs/1"} <= find_faults(
        graph(nodes=nodes)
    ).keys()


def test_fault_names_every_node_of_a_cycle() -> None:
    nodes = [node("a", "c"), node("b", "a"), node("c", "b"), node("y", ["x", "c"])]
    faults = find_faults(graph(nodes=nodes))
    assert "b -> c -> a -> b" in faults["/nodes/0/inputs"]


def test_node_that_refers_to_itself_is_refused() -> None:
    faults = find_faults(graph(nodes=[node("y", ["x", "y"])]))
    assert faults == {"/nodes/0/inputs/1": "Node 'y' refers to itself."}


def test_duplicate_name_is_refused_at_its_second_place() -> None:
    faults = find_faults(graph(nodes=[node("x", "x"), node("y", "x")]))
    assert "'x' is already taken" in faults["/nodes/0/name"]


def test_unused_inputs_nodes_and_layers_are_refused() -> None:
    definition = graph(
        inputs=[{"name": "x", "shape": [4]}, {"name": "spare", "shape": [1]}],
        layers={"idle": DENSE},
        nodes=[node("y", "x"), node("lost", "x")],
    )
    assert find_faults(definition).keys() == {"/inputs/1", "/nodes/1", "/layers/idle"}


def test_unknown_output_and_unnamed_pick_are_refused() -> None:
    definition = graph(outputs=["y", "yy", "y:1", {"name": "z", "from": "zz"}])
    faults = find_faults(definition)
    assert "Did you mean 'y'?" in faults["/outputs/1"]
    assert '{"name": "...", "from": "y:1"}' in faults["/outputs/2"]
    assert "/outputs/3/from" in faults


def test_input_may_be_an_output_but_has_no_picks() -> None:
    assert find_faults(graph(outputs=["y", "x"])) == {}
    faults = find_faults(graph(outputs=["y", {"name": "z", "from": "x:0"}]))
    assert "single tensor" in faults["/outputs/1/from"]


def test_output_names_are_unique_but_tensors_may_repeat() -> None:
    assert find_faults(graph(outputs=["y", {"name": "again", "from": "y"}])) == {}
    assert "/outputs/1" in find_faults(graph(outputs=["y", {"name": "y", "from": "x"}]))


def test_wrapper_may_name_a_shared_layer() -> None:
    wrapper = {"type": "TimeDistributed", "config": {"layer": "shared"}}
    sound = graph(layers={"shared": DENSE}, nodes=[node("y", "x", wrapper)])
    assert find_faults(sound) == {}
    unknown = {"type": "TimeDistributed", "config": {"layer": "shred"}}
    faults = find_faults(graph(layers={"shared": DENSE}, nodes=[node("y", "x", unknown)]))
    assert "Did you mean 'shared'?" in faults["/nodes/0/layer/config/layer"]


def test_wrapper_argument_must_be_a_layer() -> None:
    wrapper = {"type": "StackedRNNCells", "config": {"cells": [DENSE, 3]}}
    assert "/nodes/0/layer/config/cells/1" in find_faults(graph(nodes=[node("y", "x", wrapper)]))


def test_shared_layers_that_contain_each_other_are_refused() -> None:
    layers = {
        "a": {"type": "TimeDistributed", "config": {"layer": "b"}},
        "b": {"type": "TimeDistributed", "config": {"layer": "a"}},
    }
    faults = find_faults(graph(layers=layers, nodes=[node("y", "x", "a")]))
    assert faults.keys() == {"/layers/a", "/layers/b"}


def inner(**changes: Any) -> dict[str, Any]:
    sound = {"inputs": [{"name": "u", "shape": [4]}], "nodes": [node("v", "u", "shared")]}
    return {"type": "Graph", "graph": {**sound, "outputs": ["v"], **changes}}


def test_nested_graph_may_use_but_not_shadow_enclosing_layers() -> None:
    layers = {"shared": DENSE}
    assert find_faults(graph(layers=layers, nodes=[node("y", "x", inner())])) == {}
    shadowing = inner(layers={"shared": DENSE})
    faults = find_faults(
        graph(layers=layers, nodes=[node("h", "x", "shared"), node("y", "h", shadowing)])
    )
    assert faults.keys() == {"/nodes/1/layer/graph/layers/shared"}


def test_fault_of_a_nested_graph_has_its_whole_pointer() -> None:
    broken = inner(nodes=[node("v", "w", DENSE)])
    faults = find_faults(graph(nodes=[node("y", "x", broken)]))
    assert "/nodes/0/layer/graph/nodes/0/inputs" in faults


def test_faults_name_the_exceeded_limits() -> None:
    nodes = [node("a", "x"), node("b", "a"), node("y", "b")]
    assert "MAX_NODES" in find_faults(graph(nodes=nodes), nodes=2)["/nodes"]
    nested = graph(layers={"shared": DENSE}, nodes=[node("y", "x", inner())])
    faults = find_faults(nested, depth=1)
    assert "MAX_GRAPH_DEPTH" in faults["/nodes/0/layer/graph"]


@pytest.mark.parametrize("empty", [[], {}])
def test_node_needs_an_input(empty: Any) -> None:
    assert "/nodes/0/inputs" in find_faults(graph(nodes=[node("y", empty)]))
