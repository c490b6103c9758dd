"""The layers of a graph that learn their state from data, and where they cannot."""

from typing import Any

import pytest

from domain.graph.adaptation import (
    cut,
    find_adaptation_faults,
    find_adaptive_layers,
    find_missing_states,
    learns_state,
    set_states,
)
from domain.graph.language import GraphDefinition, KerasLayer

STATES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("Normalization", {"axis": -1}, {"mean": 0.0, "variance": 1.0}),
    ("Discretization", {"num_bins": 3}, {"bin_boundaries": [0.0]}),
    ("StringLookup", {}, {"vocabulary": ["a"]}),
    ("IntegerLookup", {}, {"vocabulary": [1]}),
    ("TextVectorization", {}, {"vocabulary": ["a"]}),
]


def layer(kind: str, **config: Any) -> dict[str, Any]:
    return {"type": kind, "config": config}


def node(name: str, made: Any, inputs: Any = "x") -> dict[str, Any]:
    return {"name": name, "layer": made, "inputs": inputs}


def graph(*nodes: dict[str, Any], **layers: Any) -> GraphDefinition:
    last = nodes[-1]["name"]
    return GraphDefinition.model_validate(
        {
            "inputs": [{"name": "x", "shape": [4]}, {"name": "z", "shape": [4]}],
            "layers": layers,
            "nodes": [*nodes, node("both", layer("Concatenate"), [last, "z"])],
            "outputs": ["both"],
        }
    )


def find_faults(definition: GraphDefinition) -> dict[str, str]:
    return {fault.pointer: fault.detail for fault in find_adaptation_faults(definition)}


@pytest.mark.parametrize(("kind", "config", "state"), STATES)
def test_a_layer_learns_unless_it_has_a_state(
    kind: str, config: dict[str, Any], state: dict[str, Any]
) -> None:
    assert learns_state(KerasLayer(type=kind, config=config))
    assert not learns_state(KerasLayer(type=kind, config=state))


@pytest.mark.parametrize("kind", ["Dense", "BatchNormalization", "CategoryEncoding", "Hashing"])
def test_other_layers_learn_no_state(kind: str) -> None:
    assert not learns_state(KerasLayer(type=kind, config={}))


def test_layers_learn_in_topological_order() -> None:
    definition = graph(
        node("late", "shared", "early"), node("early", layer("Normalization")),
        node("again", "shared", "late"), shared=layer("Normalization"),
    )  # fmt: skip
    found = find_adaptive_layers(definition)
    assert [(item.name, item.place) for item in found] == [
        ("early", ("nodes", 1, "layer")),
        ("shared", ("layers", "shared")),
    ]
    assert [item.list_inputs() for item in found] == [["x"], ["early", "late"]]


def test_a_part_of_a_graph_has_what_its_tensors_need() -> None:
    definition = graph(
        node("a", layer("Rescaling", scale=2.0)), node("b", layer("Normalization"), "a")
    )
    part = cut(definition, ["a"])
    assert part.input_names() == ["x"]
    assert [item.name for item in part.nodes] == ["a"]
    assert part.named_outputs() == [("reached_0", "a")]


def test_states_go_into_configs() -> None:
    definition = graph(
        node("a", layer("Normalization", axis=1)), node("b", "shared", "a"),
        shared=layer("Normalization"),
    )  # fmt: skip
    state = {"mean": 1.0, "variance": 2.0}
    filled = set_states(definition, {("nodes", 0, "layer"): state, ("layers", "shared"): state})
    written = filled.model_dump()
    assert written["nodes"][0]["layer"]["config"] == {"axis": 1, **state}
    assert written["layers"]["shared"]["config"] == state
    assert find_adaptive_layers(filled) == []
    assert len(find_adaptive_layers(definition)) == 2


def test_a_build_has_no_data_to_learn_from() -> None:
    definition = graph(node("a", layer("Normalization")))
    assert [fault.pointer for fault in find_missing_states(definition)] == ["/nodes/0/layer/config"]


def test_only_the_outermost_graph_has_layers_that_learn() -> None:
    inner = {
        "inputs": [{"name": "q", "shape": [4]}],
        "nodes": [node("n", layer("Normalization"), "q")],
        "outputs": ["n"],
    }
    wrapped = layer("TimeDistributed", layer=layer("Normalization"))
    definition = graph(node("a", {"type": "Graph", "graph": inner}), node("b", wrapped, "a"))
    faults = find_faults(definition)
    assert faults.keys() == {
        "/nodes/0/layer/graph/nodes/0/layer/config",
        "/nodes/1/layer/config/layer/config",
    }
    assert all("outermost graph" in detail for detail in faults.values())


@pytest.mark.parametrize("mode", ["one_hot", "multi_hot", "count", "tf_idf"])
def test_the_width_of_an_output_must_be_known(mode: str) -> None:
    open_ended = layer("StringLookup", output_mode=mode, max_tokens=9)
    assert "pad_to_max_tokens" in find_faults(graph(node("a", open_ended)))["/nodes/0/layer/config"]
    open_ended["config"]["pad_to_max_tokens"] = True
    assert find_faults(graph(node("a", open_ended))) == {}


@pytest.mark.parametrize(
    ("user", "argument"), [("Embedding", "input_dim"), ("CategoryEncoding", "num_tokens")]
)
def test_a_layer_that_takes_indices_needs_room_for_the_vocabulary(user: str, argument: str) -> None:
    def find(most: int | None, size: int) -> dict[str, str]:
        lookup = layer("TextVectorization", max_tokens=most)
        return find_faults(
            graph(node("a", lookup), node("b", layer(user, **{argument: size}), "a"))
        )

    assert find(10, 10) == {}
    assert find(11, 10).keys() == {f"/nodes/1/layer/config/{argument}"}
    assert "max_tokens" in find(None, 10)["/nodes/0/layer/config"]
