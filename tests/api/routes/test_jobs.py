"""`/v1/jobs`: accepts, rejects, returns, filters and deletes jobs."""

import json
from typing import Any

import httpx
import numpy as np
import pytest
from sqlalchemy import select

from models_store.database import tables
from models_store.jobs import control
from tests.api.requests import DENSE, faults, graph, made
from tests.support.api_server import Server
from tests.support.keras_cases import load_cases
from tests.support.queued_jobs import queue

SOFTMAX = {"type": "Dense", "config": {"units": 3, "activation": "softmax"}}
SPARSE = "sparse_categorical_crossentropy"
LONG_SCHEDULE = {
    "type": "SGD",
    "config": {
        "learning_rate": {
            "type": "PiecewiseConstantDecay",
            "config": {"boundaries": [*range(1_000)], "values": [0.1] * 1_001},
        }
    },
}


@pytest.fixture(scope="module")
def dataset(server: Server) -> str:
    draw = np.random.default_rng(3)
    columns = {
        "x": draw.random((20, 4)).tolist(),
        "y": (np.arange(20) % 3).tolist(),
        "twelve": (np.arange(20) % 12).tolist(),
        "one_hot": np.eye(3, dtype=int)[np.arange(20) % 3].tolist(),
        "wide": draw.random((20, 5)).tolist(),
        "weight": draw.random(20).tolist(),
        "words": draw.integers(0, 50, (20, 7)).tolist(),
    }
    body = made(server.client.post("/v1/datasets", json={"columns": columns}))
    identifier: str = body["id"]
    return identifier


def request(dataset: str, **changes: Any) -> dict[str, Any]:
    return {
        "graph": graph(SOFTMAX),
        "dataset": dataset,
        "compile": {"loss": SPARSE},
        **changes,
    }


def refused(server: Server, dataset: str, changes: dict[str, Any]) -> dict[str, str]:
    return faults(server.client.post("/v1/jobs", json={**request(dataset), **changes}))


def test_a_job_is_accepted_and_returned(server: Server, dataset: str) -> None:
    sent = request(dataset, name="first", metadata={"team": "a"}, seed=7)
    answer = server.client.post("/v1/jobs", json=sent)
    job = made(answer, 202)
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    assert answer.headers["retry-after"] == "1"
    assert job["state"] == "queued"
    assert job["is_terminal"] is False
    assert job["request"] == sent
    assert [step["state"] for step in job["transitions"]] == ["queued"]
    answer = server.client.get(f"/v1/jobs/{job['id']}")
    assert answer.json() == job
    assert answer.headers["etag"] == f'W/"1-{job["position"]}"'
    assert answer.headers["retry-after"] == "1"


def test_a_random_seed_is_recorded(server: Server, dataset: str) -> None:
    seeds = {
        made(server.client.post("/v1/jobs", json=request(dataset)), 202)["request"]["seed"]
        for _ in range(2)
    }
    assert len(seeds) == 2
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_an_unchanged_job_is_a_304_and_a_write_is_visible_at_once(server: Server) -> None:
    with server.parts.database.write() as connection:
        job_id = queue(connection)
    address = f"/v1/jobs/{job_id}"
    tag = server.client.get(address).headers["etag"]
    same = server.client.get(address, headers={"If-None-Match": f'"x", {tag}'})
    assert (same.status_code, same.content) == (304, b"")
    cancelled = server.client.post(f"{address}/cancel")
    assert cancelled.status_code == 202
    assert cancelled.json()["state"] == "cancelled"
    changed = server.client.get(address, headers={"If-None-Match": tag})
    assert changed.json()["state"] == "cancelled"
    assert changed.headers["etag"] != tag
    assert "retry-after" not in changed.headers
    assert server.client.delete(address).status_code == 204
    faults(server.client.get(address), 404)


def test_unknown_parameters_are_rejected_even_if_a_snapshot_is_cached(server: Server) -> None:
    with server.parts.database.write() as connection:
        job_id = queue(connection)
    assert server.client.get(f"/v1/jobs/{job_id}").status_code == 200
    assert "colour" in faults(server.client.get(f"/v1/jobs/{job_id}?colour=red"))[""]


def test_only_the_list_of_jobs_has_metadata_parameters(server: Server) -> None:
    query = {"metadata.team": "a"}
    assert server.client.get("/v1/jobs", params=query).status_code == 200
    posted = server.client.post("/v1/jobs", params=query, json={"kind": "build"})
    listed = server.client.get("/v1/graphs", params=query)
    for answer in (posted, listed):
        assert "metadata.team" in faults(answer)[""]


def test_lists_are_filtered_by_state_and_metadata(server: Server) -> None:
    with server.parts.database.write() as connection:
        one = queue(connection, metadata={"run": "1", "team": "filters"})
        other = queue(connection, metadata={"run": "2", "team": "filters"})
        control.cancel(connection, "local", other)

    def listed(**query: str) -> list[str]:
        items = server.client.get("/v1/jobs", params=query).json()["items"]
        return [item["id"] for item in items]

    assert listed(**{"metadata.team": "filters"}) == [other, one]
    assert listed(**{"metadata.team": "filters", "metadata.run": "1"}) == [one]
    assert listed(**{"metadata.team": "filters", "state": "cancelled"}) == [other]
    found = faults(server.client.get("/v1/jobs", params={"state": "asleep"}))
    assert "state" in found[""]


def test_a_queued_job_and_its_dataset_cannot_be_deleted(server: Server, dataset: str) -> None:
    stored = made(server.client.post("/v1/graphs", json={"definition": graph(SOFTMAX)}))["id"]
    job = made(server.client.post("/v1/jobs", json=request(dataset, graph=stored)), 202)["id"]
    faults(server.client.delete(f"/v1/jobs/{job}"), 409)
    for used in (f"/v1/graphs/{stored}", f"/v1/datasets/{dataset}"):
        answer = server.client.delete(used)
        faults(answer, 409)
        assert "job_" in answer.json()["detail"]
    server.client.post(f"/v1/jobs/{job}/cancel")
    assert server.client.delete(f"/v1/graphs/{stored}").status_code == 204


def test_a_repeated_key_gives_the_same_job(server: Server, dataset: str) -> None:
    headers = {"Idempotency-Key": "one"}
    sent = request(dataset)
    first = server.client.post("/v1/jobs", json=sent, headers=headers)
    again = server.client.post("/v1/jobs", json=sent, headers=headers)
    assert first.status_code == again.status_code == 202
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    other = server.client.post("/v1/jobs", json={**sent, "seed": 1}, headers=headers)
    assert "Idempotency-Key" in faults(other)[""]


def test_two_idempotency_keys_are_rejected(server: Server, dataset: str) -> None:
    headers = [("Idempotency-Key", "this"), ("Idempotency-Key", "that")]
    answer = server.client.post("/v1/jobs", json=request(dataset), headers=headers)
    assert "more than once" in faults(answer)[""]


def test_a_rejected_request_frees_its_key(server: Server, dataset: str) -> None:
    headers = {"Idempotency-Key": "two"}
    bad = request(dataset, fit={"validation_split": 0.99})
    faults(server.client.post("/v1/jobs", json=bad, headers=headers))
    good = server.client.post("/v1/jobs", json=request(dataset), headers=headers)
    assert good.status_code == 202


def test_data_that_is_not_finite_causes_a_warning(server: Server) -> None:
    columns = b'{"columns": {"x": [[1.0, 2.0, 3.0, 4.0]], "y": [0.5]}}'
    json_ = {"Content-Type": "application/json"}
    made(server.client.post("/v1/datasets", content=columns, headers=json_))
    archive = _npz(x=np.full((4, 4), np.nan), y=np.zeros(4))
    npz = {"Content-Type": "application/x-npz"}
    identifier = made(server.client.post("/v1/datasets", content=archive, headers=npz))["id"]
    one = {"type": "Dense", "config": {"units": 1}}
    sent = request(identifier, graph=graph(one), compile={"loss": "mse"})
    job = made(server.client.post("/v1/jobs", json=sent), 202)
    assert "16 values that are NaN" in job["warnings"][0]
    events = server.client.get(f"/v1/jobs/{job['id']}/events").json()["items"]
    assert [event["type"] for event in events] == ["state", "warning"]


def _npz(**arrays: Any) -> bytes:
    import io

    archive = io.BytesIO()
    np.savez(archive, **arrays)
    return archive.getvalue()


def test_all_faults_are_reported_together(server: Server, dataset: str) -> None:
    wrong = {
        "graph": graph({"type": "Dense", "config": {"units": 3, "activations": "relu"}}),
        "feed": {"inputs": {"x": "xx"}, "targets": ["wide"]},
        "compile": {"loss": "sparse_crossentropy", "optimizer": {"type": "Adamm"}},
        "fit": {"callbacks": ["EarlyStopping", "EarlyStoping"]},
    }
    found = refused(server, dataset, wrong)
    assert found.keys() == {
        "/graph/nodes/0/layer/config/activations",
        "/feed/inputs/x",
        "/compile/loss",
        "/compile/optimizer/type",
        "/fit/callbacks/0",
        "/fit/callbacks/1",
    }
    assert "has no validation" in found["/fit/callbacks/0"]
    assert "Did you mean 'x'?" in found["/feed/inputs/x"]
    assert "Did you mean 'sparse_categorical_crossentropy'?" in found["/compile/loss"]


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"feed": {"targets": {"y": "twelve"}}}, "/feed/targets/y", "from 0 to 11"),
        ({"feed": {"targets": ["twelve"]}}, "/feed/targets/0", "0 to 2"),
        ({"feed": {"inputs": ["wide"]}}, "/feed/inputs/0", "takes [4]"),
        ({"feed": {"sample_weights": {"y": "wide"}}}, "/feed/sample_weights/y", "single number"),
        ({"feed": {"sample_weights": {"z": "weight"}}}, "/feed/sample_weights/z", "no output"),
        ({"compile": {}}, "/compile/loss", "needs a loss"),
        ({"compile": {"loss": {"z": "mse"}}}, "/compile/loss/z", "There is no output 'z'"),
        ({"compile": {"loss": {"y": "mse"}}, "feed": {"targets": ["wide"]}}, "/compile/loss/y", ""),
        ({"compile": {"loss": SPARSE, "metrics": ["acuracy"]}}, "/compile/metrics/0", "accuracy"),
        ({"fit": {"epochs": 0}}, "/fit/epochs", "greater than or equal to 1"),
        ({"fit": {"epochs": "many"}}, "/fit/epochs", "integer"),
        ({"fit": {"validation_split": 0.99}}, "/fit/validation_split", "at least one"),
        ({"dataset": None}, "/dataset", "needs a dataset"),
        ({"dataset": f"dataset_{'0' * 26}"}, "/dataset", "There is no dataset"),
        ({"validation_dataset": f"dataset_{'0' * 26}"}, "/validation_dataset", "no dataset"),
        ({"graph": f"graph_{'0' * 26}"}, "/graph", "There is no graph"),
        ({"graph": "nonsense"}, "/graph", "pattern"),
        ({"graph": None}, "", "xactly one of `graph` and `model`"),
        ({"kind": "build"}, "/dataset", "takes no `dataset`"),
        ({"seed": -1}, "/seed", "greater than or equal to 0"),
        ({"limits": {"seconds": 0}}, "/limits/seconds", "greater than 0"),
        ({"limits": {"seconds": True}}, "/limits/seconds", "number"),
        ({"limits": {"seconds": 10**7}}, "/limits/seconds", "MAX_JOB_SECONDS"),
        ({"priority": 1}, "/priority", "MAX_PRIORITY"),
        ({"metadata": {f"k{i}": "" for i in range(65)}}, "/metadata", "MAX_METADATA"),
        (
            {"compile": {"loss": SPARSE, "optimizer": LONG_SCHEDULE}},
            "/compile/optimizer/config/learning_rate/config/values",
            "MAX_SCHEDULE_LENGTH",
        ),
        (
            {"compile": {"loss": SPARSE, "metrics": ["mae"] * 10_001}},
            "/compile/metrics",
            "MAX_LIST_LENGTH",
        ),
        (
            {"compile": {"loss": SPARSE, "loss_weights": {"y": "1"}}},
            "/compile/loss_weights/y",
            "number",
        ),
        ({"fit": {"class_weight": {"0": True}}}, "/fit/class_weight/0", "number"),
        ({"fit": {"validation_split": False}}, "/fit/validation_split", "number"),
        ({"metadata": {"a": 1}}, "/metadata/a", "string"),
        ({"dead": 1}, "/dead", "no field 'dead'"),
    ],
)
def test_an_invalid_job_is_rejected(
    server: Server, dataset: str, changes: dict[str, Any], pointer: str, words: str
) -> None:
    before = server.client.get("/v1/jobs").json()
    found = refused(server, dataset, changes)
    assert pointer in found, found
    assert words in found[pointer]
    assert server.client.get("/v1/jobs").json() == before


def test_the_columns_of_an_embedding_must_be_indices(server: Server, dataset: str) -> None:
    definition = {
        "inputs": [{"name": "words", "shape": [7], "dtype": "int32"}],
        "nodes": [
            {
                "name": "e",
                "layer": {"type": "Embedding", "config": {"input_dim": 40, "output_dim": 2}},
                "inputs": "words",
            },
            {"name": "f", "layer": {"type": "Flatten"}, "inputs": "e"},
            {"name": "y", "layer": SOFTMAX, "inputs": "f"},
        ],
        "outputs": ["y"],
    }
    assert "indices 0 to 39" in refused(server, dataset, {"graph": definition})["/feed/inputs"]
    floats = refused(server, dataset, {"graph": definition, "feed": {"inputs": ["wide"]}})
    assert "takes [7]" in floats["/feed/inputs/0"]


def test_a_fault_inside_a_stored_graph_is_at_its_id(server: Server, dataset: str) -> None:
    inner = made(server.client.post("/v1/graphs", json={"definition": graph(DENSE)}))["id"]
    wrong = graph({"type": "Graph", "graph": inner}, inputs=[{"name": "x", "shape": [2, 2, 5]}])
    found = refused(server, dataset, {"graph": wrong})
    assert all(pointer.startswith("/graph/nodes/0") for pointer in found), found


def test_a_body_that_is_not_an_object_is_rejected(server: Server) -> None:
    for body in ("[]", "3", "null", '"text"'):
        answer = server.client.post(
            "/v1/jobs", content=body, headers={"Content-Type": "application/json"}
        )
        assert "" in faults(answer), json.loads(body)


@pytest.mark.parametrize("query", ["metadata.a=%00", "metadata.%00=a", "state=queued&state=failed"])
def test_invalid_filters_are_rejected(server: Server, query: str) -> None:
    faults(server.client.get(f"/v1/jobs?{query}"), 422)


def send_case(server: Server, name: str) -> httpx.Response:
    """Sends the dataset and the job of a case; returns the answer to the job."""
    request = load_cases()[name]["request"]
    dataset = made(server.client.post("/v1/datasets", json=request["dataset"]))["id"]
    job = {"graph": request["graph"], "dataset": dataset, **request["job"]}
    return server.client.post("/v1/jobs", json=job)


@pytest.mark.parametrize(
    ("name", "pointer", "words"),
    [
        ("class-weight-odd-key-²", "/fit/class_weight", "'²' of output 'y' is not one"),
        ("class-weight-odd-key-7", "/fit/class_weight", "no class 7"),
        ("class-weight-multi-hot", "/fit/class_weight", "several classes at once"),
        ("plateau-with-schedule", "/fit/callbacks/0", "a schedule sets"),
    ],
)
def test_a_training_that_cannot_be_meant_is_refused(
    server: Server, name: str, pointer: str, words: str
) -> None:
    found = faults(send_case(server, name))
    assert [*found] == [pointer]
    assert words in found[pointer]


def test_a_metric_of_an_output_without_a_loss_is_accepted(server: Server) -> None:
    assert made(send_case(server, "metric-without-loss"), 202)["warnings"] == []


def test_a_loss_that_may_not_be_meant_is_accepted_with_a_warning(
    server: Server, dataset: str
) -> None:
    linear = request(dataset, graph=graph(DENSE))
    (warning,) = made(server.client.post("/v1/jobs", json=linear), 202)["warnings"]
    assert "from_logits: true" in warning


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        (
            {"fit": {"callbacks": [{"type": "EarlyStopping", "config": {"monitor": "acuracy"}}]}},
            "/fit/callbacks/0",
            "Did you mean 'accuracy'?",
        ),
        (
            {"compile": {"loss": SPARSE, "metrics": [{"type": "F1Score"}]}},
            "/compile/metrics/0",
            "F1Score",
        ),
        ({"feed": {"sample_weights": {"y": "wide"}}}, "/feed/sample_weights/y", "single number"),
    ],
)
def test_a_training_that_would_fail_is_refused(
    server: Server, dataset: str, changes: dict[str, Any], pointer: str, words: str
) -> None:
    metrics = {"compile": {"loss": SPARSE, "metrics": ["accuracy"]}}
    found = refused(server, dataset, {**metrics, **changes})
    assert [*found] == [pointer]
    assert words in found[pointer]


def get_memory(server: Server, job_id: str) -> int:
    """Returns the memory that a worker must have for a job, in bytes."""
    query = select(tables.jobs.c.memory_bytes).where(tables.jobs.c.id == job_id)
    with server.parts.database.read() as connection:
        memory: int = connection.execute(query).scalar_one()
    return memory


def test_the_memory_of_a_training_is_estimated_with_the_lengths_of_its_rows(server: Server) -> None:
    steps, units, rows = 3_000, 16, 4
    body = {"columns": {"x": [[[0.5]] * steps] * rows, "y": [0.0] * rows}}
    dataset = made(server.client.post("/v1/datasets", json=body))["id"]
    lstm = {"type": "LSTM", "config": {"units": units, "return_sequences": True}}
    definition = {
        "inputs": [{"name": "x", "shape": [None, 1]}],
        "nodes": [
            {"name": "steps", "layer": lstm, "inputs": "x"},
            {"name": "last", "layer": {"type": "GlobalMaxPooling1D"}, "inputs": "steps"},
            {"name": "y", "layer": {"type": "Dense", "config": {"units": 1}}, "inputs": "last"},
        ],
        "outputs": ["y"],
    }
    job = {"graph": definition, "dataset": dataset, "compile": {"optimizer": "sgd", "loss": "mse"}}
    accepted = made(server.client.post("/v1/jobs", json=job), 202)
    weights = 4 * (4 * units * (units + 1 + 1) + units + 1)
    activations = 4 * (steps * units + units + 1)
    columns = rows * 4 * (steps + 1)
    expected = 2 * weights + 2 * rows * activations + columns
    assert get_memory(server, accepted["id"]) == expected


def test_a_large_definition_beside_data_is_refused_before_it_is_validated(server: Server) -> None:
    limit = server.parts.settings.max_definition_bytes
    nodes: list[Any] = [{}] * (limit // 3)
    sent = {"graph": {**graph(), "nodes": nodes}, "dataset": {"columns": {"x": [1]}}}
    answer = server.client.post("/v1/jobs", json=sent)
    assert "MAX_DEFINITION_BYTES" in answer.json()["detail"]
    faults(answer, 413)


def test_info_lists_the_limits_of_jobs(server: Server) -> None:
    limits = server.client.get("/v1/info").json()["limits"]
    assert (limits["max_job_seconds"], limits["max_priority"]) == (7 * 86_400, 0)
    assert (limits["max_metadata"], limits["max_event_streams"]) == (64, 100)
