"""Faults of fields and values in the wrong place have a hint."""

from typing import Any

import httpx
import pytest

from tests.api.requests import faults

DENSE = {"type": "Dense", "config": {"units": 3}}


def posted(client: httpx.Client, node: dict[str, Any], **more: Any) -> dict[str, str]:
    definition = {
        "inputs": [{"name": "x", "shape": [3]}],
        "nodes": [{"name": "d", "inputs": "x", **node}],
        "outputs": ["d"],
        **more,
    }
    return faults(client.post("/v1/graphs?validate_only=true", json={"definition": definition}))


@pytest.mark.parametrize(
    ("node", "where", "words"),
    [
        ({"layer": "Dense"}, "layer", 'used once is an object: {"type": "...", "config": {...}}'),
        ({"layer": "Dense", "config": {"units": 3}}, "config", "It belongs inside `layer`"),
        ({"layer": {"type": "Dense", "units": 3}}, "layer/units", "under its `config`"),
        ({"layer": {"class_name": "Dense"}}, "layer/class_name", "called `type` here"),
        ({"layer": DENSE, "training": False}, "training", "belong under `call`"),
        ({"layer": DENSE, "input": "x"}, "input", "Did you mean 'inputs'?"),
        ({"layer": DENSE, "inputs": 3}, "inputs", "a list of references"),
        ({"layer": [DENSE]}, "layer", "or an object"),
        ({"layer": {"type": "Graph", "config": {}}}, "layer/config", "has a `graph`"),
        ({"op": "mean", "call": {"axis": 1}}, "call", "belong under `config`"),
        ({"op": "mean", "axis": 1}, "axis", "belong under `config`"),
    ],
)
def test_a_fault_in_a_node_has_a_hint(
    client: httpx.Client, node: Any, where: str, words: str
) -> None:
    assert words in posted(client, node)[f"/definition/nodes/0/{where}"]


@pytest.mark.parametrize(
    ("field", "value", "where", "words"),
    [
        ("inputs", [{"name": "x", "shape": [-1, 3]}], "inputs/0/shape/0", "batch axis is left out"),
        ("inputs", [{"name": "x", "batch_shape": [1]}], "inputs/0/batch_shape", "Give `shape`"),
        ("inputs", [{"name": "x", "shape": 3}], "inputs/0/shape", "must be a list"),
        ("inputs", ["x"], "inputs/0", "must be an object"),
        ("inputs", {"x": [3]}, "inputs", "must be a list"),
        ("outputs", "d", "outputs", "must be a list"),
        ("outputs", [{"name": "z", "node": "d"}], "outputs/0/node", "There are `name`, `from`."),
        ("layers", [DENSE], "layers", "names to shared layers"),
    ],
)
def test_a_fault_in_a_graph_has_a_hint(
    client: httpx.Client, field: str, value: Any, where: str, words: str
) -> None:
    found = posted(client, {"layer": DENSE}, **{field: value})
    assert words in found[f"/definition/{where}"]


@pytest.mark.parametrize(
    ("path", "body", "where", "words"),
    [
        ("/v1/graphs", {"graph": {}}, "/graph", "There are `name`, `definition`, `keras_json`."),
        ("/v1/jobs", {"data": {}}, "/data", "Did you mean 'dataset'?"),
        ("/v1/jobs", {"fit": {"epoch": 3}}, "/fit/epoch", "Did you mean 'epochs'?"),
        (
            "/v1/jobs",
            {"fit": {"lr": 0.1}},
            "/fit/lr",
            "There are `epochs`, `initial_epoch`",
        ),
        ("/v1/jobs", {"fit": {"sample_weight": "w"}}, "/fit/sample_weight", "`sample_weights`"),
        (
            "/v1/jobs",
            {"fit": {"validation_data": "x"}},
            "/fit/validation_data",
            "`validation_dataset` beside `fit`",
        ),
        ("/v1/jobs", {"compile": {"optimiser": "adam"}}, "/compile/optimiser", "'optimizer'?"),
        (
            "/v1/jobs",
            {"compile": {"loss": {"y": {"type": "mse", "delta": 1}}}},
            "/compile/loss/y/delta",
            "belong under its `config`",
        ),
    ],
)
def test_an_unknown_field_has_a_hint(
    client: httpx.Client, path: str, body: Any, where: str, words: str
) -> None:
    assert words in faults(client.post(path, json=body))[where]


CONV = {"type": "Conv2D", "config": {"filters": 2, "kernel_size": 3}}
WITH_BATCH_AXIS = [{"name": "x", "shape": [None, 28, 28, 1]}]


def test_a_batch_axis_that_only_keras_rejects_has_a_hint(client: httpx.Client) -> None:
    (detail,) = posted(client, {"layer": CONV}, inputs=WITH_BATCH_AXIS).values()
    assert "that of 'x' begins with null" in detail


def test_a_batch_axis_in_the_graph_of_a_job_has_a_hint(client: httpx.Client) -> None:
    graph = {
        "inputs": WITH_BATCH_AXIS,
        "nodes": [{"name": "d", "inputs": "x", "layer": CONV}],
        "outputs": ["d"],
    }
    answer = client.post("/v1/jobs", json={"kind": "build", "graph": graph})
    ((place, detail),) = faults(answer).items()
    assert place.startswith("/graph/nodes/0")
    assert "that of 'x' begins with null" in detail
