"""The fault of a limit names the setting, the limit, the value found and the place."""

from typing import Any

import pytest

from domain.graph.call_count import find_call_faults
from domain.graph.language import Blueprint, GraphDefinition
from domain.graph.limits import STANDARD, Limits, find_limit_faults
from domain.graph.rules import find_graph_faults

DENSE = {"type": "Dense", "config": {"units": 1}}
CELLS = {"type": "StackedRNNCells", "config": {"cells": [DENSE, DENSE, DENSE]}}


def node(name: str, inputs: Any, layer: Any = DENSE) -> dict[str, Any]:
    return {"name": name, "layer": layer, "inputs": inputs}


def graph(nodes: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    inputs = [{"name": "x", "shape": [4]}]
    return {"inputs": inputs, "nodes": nodes, "outputs": [nodes[-1]["name"]], **changes}


def nested(inner: Any) -> dict[str, Any]:
    return {"type": "Graph", "graph": inner}


def doubling(depth: int) -> dict[str, Any]:
    """Return nested graphs, each of which calls the next one twice."""
    definition = graph([node("y", "x")])
    for i in range(depth):
        layers = {f"inner{i}": nested(definition)}
        nodes = [node("a", "x", f"inner{i}"), node("b", "a", f"inner{i}")]
        definition = graph(nodes, layers=layers)
    return definition


def find_faults(definition: dict[str, Any], **limits: int) -> dict[str, str]:
    faults = find_limit_faults(GraphDefinition.model_validate(definition), Limits(**limits))
    return {fault.pointer: fault.detail for fault in faults}


def find_excess(definition: dict[str, Any], calls: int, **sources: Any) -> dict[str, str]:
    blueprint = Blueprint.model_validate({"definition": definition, "sources": sources})
    faults = find_call_faults(blueprint, Limits(calls=calls))
    return {fault.pointer: fault.detail for fault in faults}


THREE = graph([node("a", "x"), node("b", "a"), node("c", ["a", "b"])])
INSIDE = graph([node("y", "x", nested(THREE))])


@pytest.mark.parametrize(
    ("definition", "limits", "place", "words"),
    [
        (THREE, {"nodes": 2}, "/nodes", ("2", "MAX_NODES", "3")),
        (INSIDE, {"nodes": 3}, "/nodes/0/layer/graph/nodes", ("3", "MAX_NODES", "4")),
        (INSIDE, {"depth": 1}, "/nodes/0/layer/graph", ("1", "MAX_GRAPH_DEPTH")),
        (INSIDE, {"layers": 3}, "/nodes/0/layer/graph/nodes/2/layer", ("3", "MAX_LAYERS", "4")),
        (
            graph([node("y", "x", CELLS)]), {"layers": 3},
            "/nodes/0/layer/config/cells/2", ("3", "MAX_LAYERS", "4"),
        ),
        (THREE, {"references": 3}, "/nodes/2/inputs", ("3", "MAX_REFERENCES", "4")),
        (
            graph([node("y", "x", {"type": "S", "config": {"vocabulary": ["a", "b"]}})]),
            {"values": 1}, "/nodes/0/layer/config", ("1", "MAX_VALUES", "2"),
        ),
        (
            graph([{"name": "y", "op": "mean", "config": {"axis": [1, 2, 3]}, "inputs": "x"}]),
            {"values": 2}, "/nodes/0/config", ("2", "MAX_VALUES", "3"),
        ),
        (graph([node("long", "x")]), {"name_length": 3}, "/nodes/0/name", ("3", "MAX_NAME_L", "4")),
        (
            graph([node("y", "x", "long")], layers={"long": DENSE}), {"name_length": 3},
            "/layers/long", ("3", "MAX_NAME_LENGTH", "4"),
        ),
        (
            graph([node("y", "x")], outputs=["y", {"name": "long", "from": "x"}]),
            {"name_length": 3}, "/outputs/1/name", ("3", "MAX_NAME_LENGTH", "4"),
        ),
    ],
)  # fmt: skip
def test_fault_names_the_limit_and_the_value(
    definition: dict[str, Any], limits: dict[str, int], place: str, words: tuple[str, ...]
) -> None:
    faults = find_faults(definition, **limits)
    assert faults.keys() == {place}
    assert all(word in faults[place] for word in words)
    raised = {name: value + 1 for name, value in limits.items()}
    assert find_faults(definition, **raised) == {}


def test_rules_are_skipped_if_a_limit_is_exceeded() -> None:
    broken = GraphDefinition.model_validate(graph([node("a", "lost"), node("b", "lost")]))
    assert len(find_graph_faults(broken, Limits(nodes=1))) == 1
    assert len(find_graph_faults(broken)) == 4


def test_at_most_a_hundred_faults_are_returned() -> None:
    nodes = [node(f"n{i}", "lost") for i in range(200)]
    assert len(find_graph_faults(GraphDefinition.model_validate(graph(nodes)))) == 100


def test_calls_inside_a_nested_graph_count_at_each_of_its_calls() -> None:
    shared = graph(
        [node("p", "x", "three"), node("q", "p", "three")], layers={"three": nested(THREE)}
    )
    assert find_excess(shared, 8) == {}
    faults = find_excess(shared, 7)
    assert faults.keys() == {"/nodes/1"}
    assert "7" in faults["/nodes/1"]
    assert "MAX_CALLS" in faults["/nodes/1"]
    assert "makes 4" in faults["/nodes/1"]
    assert "make 8" in faults["/nodes/1"]


def test_calls_inside_wrappers_and_models_count() -> None:
    model = "model_" + "0" * 26
    wrapped = {"type": "TimeDistributed", "config": {"layer": nested(THREE)}}
    definition = graph([node("p", "x", wrapped), node("q", "p", {"type": "Model", "model": model})])
    source = {model: {"definition": THREE}}
    assert find_excess(definition, 8, **source) == {}
    assert find_excess(definition, 7, **source).keys() == {"/nodes/1"}


def test_two_to_the_thirty_first_calls_are_counted_quickly() -> None:
    faults = find_excess(doubling(31), STANDARD.calls)
    assert f"{3 * 2**30 - 1:,}" in faults["/nodes/0"]


def test_chain_of_shared_layers_is_limited() -> None:
    wraps = {f"l{i}": {"type": "W", "config": {"layer": f"l{i + 1}"}} for i in range(40)}
    definition = graph([node("y", "x", "l0")], layers={**wraps, "l40": DENSE})
    faults = find_graph_faults(GraphDefinition.model_validate(definition), Limits(depth=32))
    assert [fault.pointer for fault in faults] == ["/layers/l8"]
    assert "32 deep (MAX_GRAPH_DEPTH)" in faults[0].detail
    assert find_graph_faults(GraphDefinition.model_validate(definition), Limits(depth=41)) == []
