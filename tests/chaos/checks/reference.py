"""The result of each training without faults, for comparison."""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.chaos.load.http_client import HttpClient
from tests.chaos.load.workloads import Workload

Metrics = list[dict[str, float]]
"""The metrics of each epoch."""


@dataclass(frozen=True)
class Result:
    """The parts of a result that must be equal bit for bit."""

    weights: str
    """The sha256 of `model.safetensors`."""
    metrics: Metrics
    report: Any
    """The report of a job that validates; `{"missing": 404}` of others."""
    predictions: Any
    inferred: dict[str, Any]
    """The metrics and the report of an `evaluate` job; the sha256 of what a `predict` job made."""


@dataclass(frozen=True)
class References:
    """The results that the jobs of a run must have."""

    datasets: dict[str, str]
    """The ids of the datasets by workload."""
    results: dict[tuple[str, int], Result]
    """The results by workload and seed."""
    jobs: list[str]


def train_references(client: HttpClient, wanted: Iterable[tuple[Workload, int]]) -> References:
    """Trains each workload once with each seed, without faults."""
    distinct = {(workload.name, seed): workload for workload, seed in wanted}
    datasets: dict[str, str] = {}
    for workload in distinct.values():
        if workload.name not in datasets:
            answer = client.ask("POST", "/v1/datasets", json={"columns": workload.columns})
            datasets[workload.name] = answer.json()["id"]
    jobs = {}
    for (name, seed), workload in distinct.items():
        answer = client.ask("POST", "/v1/jobs", json=workload.request(datasets[name], seed))
        assert answer.status_code == 202, answer.text
        jobs[name, seed] = answer.json()["id"]
    more: list[str] = []
    results = {
        key: _result(client, jobs[key], workload, datasets[workload.name], more)
        for key, workload in distinct.items()
    }
    return References(datasets, results, [*jobs.values(), *more])


def _await(client: HttpClient, job_id: str) -> Any:
    while not (job := client.read(f"/v1/jobs/{job_id}"))["is_terminal"]:
        time.sleep(0.2)
    assert (job["state"], job["attempt"]) == ("succeeded", 1), f"without faults: {job}"
    return job


def _infer(client: HttpClient, model: str, dataset: str, jobs: list[str]) -> dict[str, Any]:
    """Evaluates and predicts with a model; adds the ids of the jobs."""
    inferred: dict[str, Any] = {}
    for kind in ("evaluate", "predict"):
        body = {"kind": kind, "model": model, "dataset": dataset}
        answer = client.ask("POST", "/v1/jobs", json=body)
        assert answer.status_code == 202, answer.text
        jobs.append(answer.json()["id"])
        inferred[kind] = take_result(client, _await(client, jobs[-1]))
    return inferred


def take_result(client: HttpClient, job: Any) -> Any:
    """The metrics and the report of an evaluation, or the hash of the dataset of a prediction.

    The dataset is deleted.
    """
    if job["kind"] == "evaluate":
        return job["metrics"], client.read(f"/v1/jobs/{job['id']}/report")
    made = client.read(f"/v1/datasets/{job['dataset']}")
    client.ask("DELETE", f"/v1/datasets/{job['dataset']}")
    return made.get("sha256", made)


def _result(
    client: HttpClient, job_id: str, workload: Workload, dataset: str, jobs: list[str]
) -> Result:
    job = _await(client, job_id)
    answer = client.ask("GET", f"/v1/models/{job['model']}/files/model.safetensors")
    return Result(
        weights=hashlib.sha256(answer.content).hexdigest(),
        metrics=metrics_of(client.read(f"/v1/jobs/{job_id}/history")),
        report=client.read(f"/v1/jobs/{job_id}/report"),
        predictions=predict(client, job["model"], workload),
        inferred=_infer(client, job["model"], dataset, jobs),
    )


def metrics_of(history: Any) -> Metrics:
    """The metrics of a history, without the durations, which differ."""
    return [epoch["metrics"] for epoch in history["epochs"]]


def predict(client: HttpClient, model: str, workload: Workload) -> Any:
    """Requests the workload's prediction of a model."""
    answer = client.ask("POST", f"/v1/models/{model}:predict", json=workload.predict_body)
    return answer.json()
