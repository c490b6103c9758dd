"""Checkpoints that a job keeps: their list, models of them, and their end."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from tests.support.example_bodies import tensors
from tests.support.service import Service, until

GRAPH = {
    "inputs": [{"name": "x", "shape": [4]}],
    "nodes": [{"name": "y", "layer": {"type": "Dense", "config": {"units": 1}}, "inputs": "x"}],
    "outputs": ["y"],
}


@pytest.fixture(scope="module")
def request_(service: Service) -> dict[str, Any]:
    x = np.random.default_rng(5).random((64, 4)).round(4)
    return {
        "graph": GRAPH,
        "dataset": service.dataset({"x": x, "y": x.sum(axis=1).round(4)}),
        "compile": {"loss": "mse"},
        "fit": {"epochs": 5, "checkpoints": {"every": 2, "best": "loss"}},
        "seed": 7,
    }


def list_epochs(service: Service, job_id: str) -> list[int]:
    answer = service.client.get(f"/v1/jobs/{job_id}/checkpoints")
    assert answer.status_code == 200
    return [item["epoch"] for item in answer.json()["items"]]


def test_the_checkpoints_of_a_job_are_listed_and_become_models(
    service: Service, request_: dict[str, Any]
) -> None:
    job = service.trained(**request_)
    page = service.client.get(f"/v1/jobs/{job['id']}/checkpoints", params={"page_size": 2}).json()
    history = service.client.get(f"/v1/jobs/{job['id']}/history").json()["epochs"]
    assert [item["epoch"] for item in page["items"]] == [5, 4]
    assert page["items"][0]["metrics"] == history[4]["metrics"]
    assert [item["step"] for item in page["items"]] == [10, 8]
    rest = {"cursor": page["next_cursor"]}
    more = service.client.get(f"/v1/jobs/{job['id']}/checkpoints", params=rest).json()
    assert [item["epoch"] for item in more["items"]] == [2]
    assert job["best"]["epoch"] == 5

    made = service.client.post("/v1/models", json={"job": job["id"], "epoch": 2})
    assert made.status_code == 201, made.text
    model = made.json()
    assert made.headers["location"] == f"/v1/models/{model['id']}"
    assert (model["epoch"], model["metrics"]) == (2, history[1]["metrics"])
    assert {file["name"] for file in model["files"]} == {
        "model.safetensors",
        "model.keras",
        "model.weights.h5",
        "history.json",
    }
    short = service.trained(**{**request_, "fit": {"epochs": 2}})
    ours, theirs = (
        tensors(service.file(id_, "model.safetensors")) for id_ in (model["id"], short["model"])
    )
    assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)
    rows = {"instances": [[1, 2, 3, 4]]}
    answers = [
        service.client.post(f"/v1/models/{id_}:predict", json=rows).json()
        for id_ in (model["id"], short["model"])
    ]
    assert answers[0] == answers[1]

    assert service.client.delete(f"/v1/jobs/{job['id']}").status_code == 204
    assert service.client.get(f"/v1/models/{model['id']}").status_code == 200
    assert service.file(model["id"], "model.keras")


def test_a_checkpoint_of_a_running_job_becomes_one_model(
    service: Service, request_: dict[str, Any]
) -> None:
    fit = {"epochs": 100_000, "checkpoints": {"every": 1, "keep": 100}}
    job_id = service.submit(**{**request_, "fit": fit})
    until(lambda: 2 in list_epochs(service, job_id) or None, "the second checkpoint")
    body = {"job": job_id, "epoch": 2, "name": "early"}
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: service.client.post("/v1/models", json=body), range(3)))
    service.client.post(f"/v1/jobs/{job_id}/cancel")
    assert {answer.status_code for answer in answers} <= {200, 201}, answers[0].text
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert answers[0].json()["name"] == "early"
    again = service.client.post("/v1/models", json=body)
    assert (again.status_code, again.json()["id"]) == (200, answers[0].json()["id"])
    service.ended(job_id)
    assert list_epochs(service, job_id)


def test_a_model_of_no_checkpoint_is_refused(service: Service, request_: dict[str, Any]) -> None:
    job = service.trained(**request_)
    refused = service.client.post("/v1/models", json={"job": job["id"], "epoch": 3})
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert error["pointer"] == "/epoch"
    assert "2, 4, 5" in error["detail"]
    unknown = {"job": "job_" + "0" * 26, "epoch": 3}
    assert service.client.post("/v1/models", json=unknown).json()["errors"][0]["pointer"] == "/job"


def test_the_metric_of_the_best_checkpoint_is_checked(
    service: Service, request_: dict[str, Any]
) -> None:
    fit = {"epochs": 5, "checkpoints": {"best": "acuracy"}}
    refused = service.client.post("/v1/jobs", json={**request_, "fit": fit})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/fit/checkpoints/best"
