"""A job that goes on with the optimizer of a model, and jobs that start from parts of one."""

from typing import Any

import numpy as np
import pytest

from tests.support.example_bodies import same, tensors
from tests.support.service import Service

GRAPH: dict[str, Any] = {
    "inputs": [{"name": "x", "shape": [4]}],
    "nodes": [
        {"name": "hidden", "layer": {"type": "Dense", "config": {"units": 8}}, "inputs": "x"},
        {"name": "drop", "layer": {"type": "Dropout", "config": {"rate": 0.2}}, "inputs": "hidden"},
        {"name": "y", "layer": {"type": "Dense", "config": {"units": 1}}, "inputs": "drop"},
    ],
    "outputs": ["y"],
}
SCHEDULE = {
    "type": "ExponentialDecay",
    "config": {"initial_learning_rate": 0.01, "decay_steps": 3, "decay_rate": 0.9},
}
ADAM = {"type": "Adam", "config": {"learning_rate": SCHEDULE}}


@pytest.fixture(scope="module")
def data(service: Service) -> dict[str, Any]:
    x = np.random.default_rng(5).random((64, 4)).round(4)
    return {"dataset": service.dataset({"x": x, "y": x.sum(axis=1).round(4)})}


def test_two_and_two_epochs_are_four(service: Service, data: dict[str, Any]) -> None:
    request = {**data, "compile": {"optimizer": ADAM, "loss": "mse"}, "seed": 7}
    whole = service.trained(**request, graph=GRAPH, fit={"epochs": 4})
    half = service.trained(**request, graph=GRAPH, fit={"epochs": 2})
    more = {**data, "model": half["model"], "optimizer_state": True, "compile": {"loss": "mse"}}
    for fit in ({"epochs": 2}, {"epochs": 4, "initial_epoch": 2}):
        job = service.trained(**more, fit=fit)
        assert job["request"]["seed"] == 7
        weights = (service.file(m, "model.safetensors") for m in (job["model"], whole["model"]))
        assert same(*weights)
    numbered = service.client.get(f"/v1/jobs/{job['id']}/history").json()["epochs"]
    assert [epoch["epoch"] for epoch in numbered] == [3, 4]
    assert job["progress"]["epoch"] == 4


def test_a_state_that_does_not_fit_is_refused(service: Service, data: dict[str, Any]) -> None:
    built = service.ended(service.submit(kind="build", graph=GRAPH))
    more = {**data, "model": built["model"], "optimizer_state": True, "compile": {"loss": "mse"}}
    refused = service.client.post("/v1/jobs", json=more)
    assert refused.status_code == 422
    assert [e["pointer"] for e in refused.json()["errors"]] == ["/optimizer_state"]


def test_layers_of_equal_name_and_shape_are_copied(service: Service, data: dict[str, Any]) -> None:
    request = {**data, "compile": {"loss": "mse"}}
    source = service.trained(**request, graph=GRAPH, fit={"epochs": 2})
    wider = {"type": "Dense", "config": {"units": 2}}
    nodes = [*GRAPH["nodes"][:2], {"name": "y", "layer": wider, "inputs": "drop"}]
    graph = {**GRAPH, "nodes": nodes}
    body = {"kind": "build", "graph": graph, "seed": 3}
    job = service.ended(service.submit(**body, initial_weights={"from": source["model"]}))
    (note,) = job["warnings"]
    assert "1 layer ('hidden')" in note.partition("Not copied")[0]
    assert "'y'" in note.partition("Not copied")[2]
    fresh = service.ended(service.submit(**body))
    ours, theirs, plain = (
        tensors(service.file(one["model"], "model.safetensors")) for one in (job, source, fresh)
    )
    for key in ours:
        wanted = theirs if key.startswith("hidden/") else plain
        assert np.array_equal(ours[key], wanted[key]), key

    nothing = {"from": source["model"], "match": "y"}
    refused = service.client.post("/v1/jobs", json={**body, "initial_weights": nothing})
    assert refused.status_code == 422
    assert [e["pointer"] for e in refused.json()["errors"]] == ["/initial_weights"]
