"""The structural rules: where each fault lies, and what it says."""

from typing import Any

import pytest

from domain.graph.language import GraphDefinition
from domain.graph.limits import Limits
from domain.graph.rules import faults_of

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


def found(definition: GraphDefinition, **limits: int) -> dict[str, str]:
    return {fault.pointer: fault.detail for fault in faults_of(definition, Limits(**limits))}


def test_a_sound_graph_has_no_fault() -> None:
    assert found(graph()) == {}


def test_the_order_of_nodes_is_free() -> None:
    assert found(graph(nodes=[node("y", "h"), node("h", "x")])) == {}


def test_an_unknown_reference_names_the_nearest() -> None:
    faults = found(graph(nodes=[node("hidden", "x"), node("y", "hiden")]))
    assert "Did you mean 'hidden'?" in faults["/nodes/1/inputs"]


def test_every_place_of_a_reference_has_its_pointer() -> None:
    nodes = [node("y", {"query": "x", "value": ["a", "x"]}), node("z", ["y", "b"])]
    assert {"/nodes/0/inputs/value/0", "/nodes/1/inputs/1"} <= found(graph(nodes=nodes)).keys()


def test_a_cycle_is_told_whole() -> None:
    nodes = [node("a", "c"), node("b", "a"), node("c", "b"), node("y", ["x", "c"])]
    faults = found(graph(nodes=nodes))
    assert "b -> c -> a -> b" in faults["/nodes/0/inputs"]


def test_a_node_that_refers_to_itself() -> None:
    faults = found(graph(nodes=[node("y", ["x", "y"])]))
    assert faults == {"/nodes/0/inputs/1": "Node 'y' refers to itself."}


def test_duplicate_names_are_shown_at_the_later_one() -> None:
    faults = found(graph(nodes=[node("x", "x"), node("y", "x")]))
    assert "'x' is already taken" in faults["/nodes/0/name"]


def test_unused_inputs_nodes_and_layers() -> None:
    definition = graph(
        inputs=[{"name": "x", "shape": [4]}, {"name": "spare", "shape": [1]}],
        layers={"idle": DENSE},
        nodes=[node("y", "x"), node("lost", "x")],
    )
    assert found(definition).keys() == {"/inputs/1", "/nodes/1", "/layers/idle"}


def test_a_missing_output_and_a_bare_pick() -> None:
    definition = graph(outputs=["y", "yy", "y:1", {"name": "z", "from": "zz"}])
    faults = found(definition)
    assert "Did you mean 'y'?" in faults["/outputs/1"]
    assert '{"name": "...", "from": "y:1"}' in faults["/outputs/2"]
    assert "/outputs/3/from" in faults


def test_an_input_may_be_an_output_but_has_no_picks() -> None:
    assert found(graph(outputs=["y", "x"])) == {}
    faults = found(graph(outputs=["y", {"name": "z", "from": "x:0"}]))
    assert "single tensor" in faults["/outputs/1/from"]


def test_output_names_are_unique_but_two_may_give_one_tensor() -> None:
    assert found(graph(outputs=["y", {"name": "again", "from": "y"}])) == {}
    assert "/outputs/1" in found(graph(outputs=["y", {"name": "y", "from": "x"}]))


def test_a_wrapper_may_name_a_shared_layer() -> None:
    wrapper = {"type": "TimeDistributed", "config": {"layer": "shared"}}
    sound = graph(layers={"shared": DENSE}, nodes=[node("y", "x", wrapper)])
    assert found(sound) == {}
    unknown = {"type": "TimeDistributed", "config": {"layer": "shred"}}
    faults = found(graph(layers={"shared": DENSE}, nodes=[node("y", "x", unknown)]))
    assert "Did you mean 'shared'?" in faults["/nodes/0/layer/config/layer"]


def test_a_wrapper_must_hold_a_layer() -> None:
    wrapper = {"type": "StackedRNNCells", "config": {"cells": [DENSE, 3]}}
    assert "/nodes/0/layer/config/cells/1" in found(graph(nodes=[node("y", "x", wrapper)]))


def test_shared_layers_that_hold_each_other() -> None:
    layers = {
        "a": {"type": "TimeDistributed", "config": {"layer": "b"}},
        "b": {"type": "TimeDistributed", "config": {"layer": "a"}},
    }
    faults = found(graph(layers=layers, nodes=[node("y", "x", "a")]))
    assert faults.keys() == {"/layers/a", "/layers/b"}


def inner(**changes: Any) -> dict[str, Any]:
    sound = {"inputs": [{"name": "u", "shape": [4]}], "nodes": [node("v", "u", "shared")]}
    return {"type": "Graph", "graph": {**sound, "outputs": ["v"], **changes}}


def test_nested_graphs_see_enclosing_layers_but_may_not_shadow_them() -> None:
    layers = {"shared": DENSE}
    assert found(graph(layers=layers, nodes=[node("y", "x", inner())])) == {}
    shadowing = inner(layers={"shared": DENSE})
    faults = found(
        graph(layers=layers, nodes=[node("h", "x", "shared"), node("y", "h", shadowing)])
    )
    assert faults.keys() == {"/nodes/1/layer/graph/layers/shared"}


def test_faults_of_nested_graphs_have_their_whole_pointer() -> None:
    broken = inner(nodes=[node("v", "w", DENSE)])
    faults = found(graph(nodes=[node("y", "x", broken)]))
    assert "/nodes/0/layer/graph/nodes/0/inputs" in faults


def test_limits_are_named() -> None:
    nodes = [node("a", "x"), node("b", "a"), node("y", "b")]
    assert "MAX_NODES" in found(graph(nodes=nodes), nodes=2)["/nodes"]
    nested = graph(layers={"shared": DENSE}, nodes=[node("y", "x", inner())])
    faults = found(nested, depth=1)
    assert "MAX_GRAPH_DEPTH" in faults["/nodes/0/layer/graph"]


@pytest.mark.parametrize("empty", [[], {}])
def test_a_node_needs_an_input(empty: Any) -> None:
    assert "/nodes/0/inputs" in found(graph(nodes=[node("y", empty)]))
