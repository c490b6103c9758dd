"""`POST /v1/jobs` with its data written out: stored and named as any other, or not at all."""

from typing import Any

import numpy as np
import pytest

from application.submission import jobs
from models_store.records import graphs
from tests.api.requests import faults, graph, made
from tests.support.api_server import Server

SOFTMAX = {"type": "Dense", "config": {"units": 3, "activation": "softmax"}}
ROWS = [[0.5, 1.0, -2.5, 0.1], [1e-3, 2.0, 3.0, 4.0], [7.0, 8.0, 9.0, -0.0]]
DATA = {"name": "three rows", "columns": {"x": ROWS, "y": [0, 1, 2]}, "dtypes": {"y": "int8"}}


def request(**changes: Any) -> dict[str, Any]:
    return {
        "graph": graph(SOFTMAX),
        "dataset": DATA,
        "compile": {"loss": "sparse_categorical_crossentropy"},
        "seed": 3,
        **changes,
    }


def stored(server: Server) -> tuple[set[str], set[str], set[str]]:
    """Returns the ids of all datasets and jobs, and the keys of all files of datasets."""
    listed = [
        {item["id"] for item in server.client.get(f"/v1/{kind}?page_size=200").json()["items"]}
        for kind in ("datasets", "jobs")
    ]
    return listed[0], listed[1], {file.key for file in server.parts.artifacts.files("datasets")}


def test_the_data_are_stored_and_named_as_any_other(server: Server) -> None:
    job = made(server.client.post("/v1/jobs", json=request()), 202)
    dataset = server.client.get(f"/v1/datasets/{job['request']['dataset']}").json()
    uploaded = made(server.client.post("/v1/datasets", json=DATA))
    own = ("id", "sha256", "created_at")
    assert {k: v for k, v in dataset.items() if k not in own} == {
        k: v for k, v in uploaded.items() if k not in own
    }
    rows = server.client.get(f"/v1/datasets/{dataset['id']}/rows").json()["columns"]
    assert np.array_equal(rows["x"], ROWS)
    assert job["request"] == {**request(), "dataset": dataset["id"]}
    answer = server.client.delete(f"/v1/datasets/{dataset['id']}")
    assert job["id"] in answer.json()["detail"]


def test_the_data_may_be_rows(server: Server) -> None:
    values = zip(ROWS, range(3), strict=True)
    rows = {"rows": [{"x": x, "y": y} for x, y in values], "name": "three rows"}
    job = made(server.client.post("/v1/jobs", json=request(dataset=rows)), 202)
    dataset = server.client.get(f"/v1/datasets/{job['request']['dataset']}").json()
    assert (dataset["name"], dataset["rows"]) == ("three rows", 3)
    wrong = {"rows": [{"x": ROWS[0], "y": 0}, {"x": ROWS[1], "y": "b"}]}
    found = faults(server.client.post("/v1/jobs", json=request(dataset=wrong)))
    assert "not text" in found["/dataset/rows/1/y"]


def test_training_and_validation_data_may_be_written_out_or_not(server: Server) -> None:
    dataset = made(server.client.post("/v1/datasets", json=DATA))["id"]
    both = made(server.client.post("/v1/jobs", json=request(validation_dataset=DATA)), 202)
    assert both["request"]["dataset"] != both["request"]["validation_dataset"]
    sent = request(dataset=dataset, validation_dataset=DATA)
    mixed = made(server.client.post("/v1/jobs", json=sent), 202)
    assert mixed["request"]["dataset"] == dataset
    for job in (both, mixed):
        found = server.client.get(f"/v1/datasets/{job['request']['validation_dataset']}").json()
        assert found["rows"] == 3


@pytest.mark.slow
def test_a_repeated_key_stores_one_job_and_one_dataset(server: Server) -> None:
    headers = {"Idempotency-Key": "with its data"}
    first = server.client.post("/v1/jobs", json=request(), headers=headers)
    before = stored(server)
    again = server.client.post("/v1/jobs", json=request(), headers=headers)
    assert again.content == first.content
    assert stored(server) == before
    other = request(dataset={**DATA, "name": "other"})
    answer = server.client.post("/v1/jobs", json=other, headers=headers)
    assert "Idempotency-Key" in faults(answer)[""]
    assert stored(server) == before


@pytest.mark.parametrize(
    ("changes", "pointer", "detail"),
    [
        ({"dataset": {"columns": {"x": ROWS, "y": [0, "a", 2]}}}, "/dataset/columns/y/1", "text"),
        ({"dataset": {"columns": {"x": ROWS, "y": [0, 1]}}}, "/dataset/columns/y", "2 rows"),
        ({"dataset": {"columns": {}}}, "/dataset/columns", "at least one column"),
        ({"dataset": {"colums": {"x": [1]}}}, "/dataset/colums", "Did you mean 'columns'?"),
        ({"dataset": {**DATA, "dtypes": {"y": "int9"}}}, "/dataset/dtypes/y", "int8"),
        ({"dataset": {**DATA, "name": 3}}, "/dataset/name", "text"),
        ({"dataset": {"columns": {"x": [2**64], "y": [1]}}}, "/dataset/columns/x/0", "int64"),
        ({"dataset": 3}, "/dataset", "body of `POST /v1/datasets`"),
        ({"dataset": [1]}, "/dataset", "body of `POST /v1/datasets`"),
        (
            {"validation_dataset": {"columns": {"x": [[1], []]}}},
            "/validation_dataset/columns/x/1",
            "0 values",
        ),
        ({"validation_dataset": {"columns": {"x": ROWS}}}, "/validation_dataset", "'y'"),
        ({"feed": {"inputs": {"x": "z"}}}, "/feed/inputs/x", "no column 'z'"),
        ({"dataset": {"columns": {"x": ROWS, "y": [0, 1, 7]}}}, "/feed/targets", "7"),
        ({"kind": "build"}, "/dataset", "takes no `dataset`"),
        ({"compile": {"loss": "no_such_loss"}}, "/compile/loss", "no_such_loss"),
        ({"graph": f"graph_{'0' * 26}"}, "/graph", "There is no graph"),
    ],
)
def test_a_refused_job_stores_nothing(
    server: Server, changes: dict[str, Any], pointer: str, detail: str
) -> None:
    before = stored(server)
    found = faults(server.client.post("/v1/jobs", json=request(**changes)))
    assert detail in found[pointer]
    assert stored(server) == before
    assert list(server.data.rglob("scratch/*")) == []


def test_the_faults_of_both_datasets_are_listed(server: Server) -> None:
    changes = {"dataset": {"columns": {"x": [{}]}}, "validation_dataset": {"columns": {"x": []}}}
    found = faults(server.client.post("/v1/jobs", json=request(**changes)))
    assert found.keys() == {"/dataset/columns/x/0", "/validation_dataset/columns/x"}


def test_data_that_are_refused_in_the_transaction_leave_no_files(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A graph is deleted between the check of the job and its transaction."""
    made_graph = made(server.client.post("/v1/graphs", json={"definition": graph(SOFTMAX)}))["id"]
    before, confirm = stored(server), jobs.AcceptedJob.confirm

    def delete_first(self: jobs.AcceptedJob, connection: Any, owner: str) -> None:
        graphs.delete(connection, owner, made_graph)
        confirm(self, connection, owner)

    monkeypatch.setattr(jobs.AcceptedJob, "confirm", delete_first)
    found = faults(server.client.post("/v1/jobs", json=request(graph=made_graph)))
    assert "There is no graph" in found["/graph"]
    assert stored(server) == before


def test_data_count_as_the_body_that_they_are_in(server: Server) -> None:
    large = request(dataset={"columns": {"x": [[0.25] * 4] * 60_000, "y": [0] * 60_000}})
    assert server.client.post("/v1/jobs", json=large).status_code == 413
