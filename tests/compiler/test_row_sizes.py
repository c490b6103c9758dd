"""The bytes of a row with the lengths of its columns, in graphs that leave lengths open."""

import json
from typing import Any

import pytest

from compiler.entrypoints import check_graph
from domain.graph.language import Blueprint
from tests.compiler.graphs import MODEL, graph, layer, nested, node


def check(
    definition: Any, columns: dict[str, list[int]], sources: Any = None, **limits: int
) -> dict[str, Any]:
    """Checks a training in which each column feeds the input of its name."""
    recipe = {
        "optimizer": "sgd",
        "jit_compile": False,
        "inputs": {item["name"]: item["name"] for item in definition["inputs"]},
        "outputs": {},
    }
    specs = {name: {"dtype": "float32", "shape": shape} for name, shape in columns.items()}
    request = {
        "blueprint": {"definition": definition, "sources": sources or {}},
        "limits": limits,
        "training": {"recipe": recipe, "inputs": specs},
    }
    result: dict[str, Any] = json.loads(check_graph(json.dumps(request)))
    return result


def with_lengths(definition: Any, columns: dict[str, list[int]]) -> Any:
    """Returns the graph with known lengths; the lengths inside its nested graphs stay open."""
    inputs = [{**item, "shape": columns[item["name"]]} for item in definition["inputs"]]
    return {**definition, "inputs": inputs}


RECURRENT = graph(
    {"x": [None, 3]},
    [
        node("steps", layer("LSTM", units=5, return_sequences=True), "x"),
        node("twice", layer("UpSampling1D", size=2), "steps"),
        node("each", layer("TimeDistributed", layer=layer("Dense", units=2)), "twice"),
        node("last", layer("GlobalMaxPooling1D"), "each"),
    ],
    ["last"],
)
IMAGES = graph(
    {"x": [None, None, 3]},
    [
        node("c", layer("Conv2D", filters=4, kernel_size=3, padding="same"), "x"),
        node("p", layer("MaxPooling2D"), "c"),
        node("g", layer("GlobalAveragePooling2D"), "p"),
    ],
    ["g"],
)
OUTER_PRODUCT = graph(
    {"x": [None, 2]},
    [
        {
            "name": "p",
            "op": "einsum",
            "inputs": ["x", "x"],
            "config": {"subscripts": "nid,njd->nij"},
        },
        {"name": "y", "op": "mean", "inputs": "p", "config": {"axis": [1, 2]}},
    ],
    ["y"],
)
FIXED_TRAINING = graph(
    {"x": [None, 3]},
    [
        node("d", layer("Dropout", rate=0.5), "x", training=True),
        node("g", layer("GlobalAveragePooling1D"), "d"),
    ],
    ["g"],
)


@pytest.mark.parametrize(
    ("definition", "shape"),
    [
        (RECURRENT, [7, 3]),
        (RECURRENT, [200_000, 3]),
        (IMAGES, [32, 48, 3]),
        (OUTER_PRODUCT, [1_000, 2]),
        (FIXED_TRAINING, [50, 3]),
    ],
)
def test_open_lengths_count_as_the_same_graph_with_known_lengths(
    definition: Any, shape: list[int]
) -> None:
    found = check(definition, {"x": shape})
    assert found["faults"] == []
    known = check(with_lengths(definition, {"x": shape}), {"x": shape})
    assert known["row"] is None
    activations = known["summary"]["bytes"]["activations_per_row"]
    assert found["row"]["activations"] == activations
    assert found["summary"]["bytes"]["activations_per_row"] < activations


def test_nodes_of_nested_graphs_and_models_are_counted() -> None:
    inner = graph(
        {"a": [None, 3]},
        [
            node("wide", layer("Dense", units=10), "a"),
            node("narrow", layer("Dense", units=3), "wide"),
        ],
        ["narrow"],
    )
    outer = graph(
        {"x": [None, 3]},
        [
            node("one", "shared", "x"),
            node("two", "shared", "one"),
            node("three", {"type": "Model", "model": MODEL}, "two"),
            node("y", layer("GlobalMaxPooling1D"), "three"),
        ],
        ["y"],
        shared=nested(inner),
    )
    sources = {MODEL: Blueprint.model_validate({"definition": inner}).model_dump(by_alias=True)}
    row = check(outer, {"x": [100, 3]}, sources)["row"]
    assert row == {"activations": 4 * (3 * 100 * (10 + 3) + 3), "ends": 4 * (100 * 3 + 3)}


def test_lengths_that_do_not_fit_each_other_are_told_at_the_node() -> None:
    both = graph(
        {"a": [None, 3], "b": [None, 3]},
        [node("sum", layer("Add"), ["a", "b"]), node("y", layer("GlobalMaxPooling1D"), "sum")],
        ["y"],
    )
    assert check(both, {"a": [5, 3], "b": [5, 3]})["faults"] == []
    (fault,) = check(both, {"a": [5, 3], "b": [7, 3]})["faults"]
    assert fault["pointer"] == "/nodes/0"
    assert "lengths of the dataset's columns" in fault["detail"]


def test_a_row_beyond_the_limit_of_activations_is_refused_at_its_node() -> None:
    most = 4 * (200 * 3 + 5 * 200)
    limits = {"activation_bytes": most}
    assert check(RECURRENT, {"x": [100, 3]}, activation_bytes=10**6)["faults"] == []
    (fault,) = check(RECURRENT, {"x": [200_000, 3]}, **limits)["faults"]
    assert fault["pointer"] == "/nodes/0"
    assert "MAX_ACTIVATION_BYTES" in fault["detail"]
    assert "lengths of the dataset's columns" in fault["detail"]


@pytest.mark.parametrize("columns", [{}, {"x": [3]}, {"x": [5, 4]}])
def test_columns_that_do_not_fit_are_left_to_other_checks(columns: dict[str, list[int]]) -> None:
    found = check(RECURRENT, columns)
    assert (found["row"], found["faults"]) == (None, [])
