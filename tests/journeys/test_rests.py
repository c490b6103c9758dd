"""A job that is paused, or whose worker stops, resumes with the bits of an uninterrupted run."""

from typing import Any

import numpy as np
import pytest

from tests.support.example_bodies import same
from tests.support.service import Service, until

pytestmark = pytest.mark.slow

GRAPH = {
    "inputs": [{"name": "x", "shape": [16]}],
    "nodes": [
        {"name": "wide", "layer": {"type": "Dense", "config": {"units": 64}}, "inputs": "x"},
        {"name": "few", "layer": {"type": "Dropout", "config": {"rate": 0.3}}, "inputs": "wide"},
        {"name": "y", "layer": {"type": "Dense", "config": {"units": 1}}, "inputs": "few"},
    ],
    "outputs": ["y"],
}
EPOCHS = 3
Place = tuple[int, int]
"""Finished epochs, and finished steps of the next one."""


@pytest.fixture(scope="module")
def request_body(service: Service) -> dict[str, Any]:
    """A job whose epochs take seconds; checkpoints within an epoch are written on request only."""
    x = np.random.default_rng(5).random((20_000, 16)).round(3)
    return {
        "graph": GRAPH,
        "dataset": service.dataset({"x": x, "y": x.sum(axis=1).round(3)}),
        "compile": {"optimizer": "adam", "loss": "mse"},
        "fit": {"epochs": EPOCHS, "batch_size": 2, "validation_split": 0.1},
        "seed": 7,
    }


@pytest.fixture(scope="module")
def uninterrupted(service: Service, request_body: dict[str, Any]) -> dict[str, Any]:
    """The same job without an interruption."""
    return service.trained(**request_body)


def place(job: dict[str, Any]) -> Place:
    return job["progress"]["epoch"], job["progress"]["step"]


def await_mid_epoch(service: Service, job_id: str) -> Place:
    """Waits until a job is within its second epoch."""

    def look() -> Place | None:
        job = service.job(job_id)
        assert not job["is_terminal"], "the job ended too early"
        epoch, step = place(job)
        return (epoch, step) if epoch == 1 and step > 0 else None

    return until(look, "the middle of an epoch")


def await_state(service: Service, job_id: str, state: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        job = service.job(job_id)
        assert not job["is_terminal"], job
        return job if job["state"] == state else None

    return until(look, state)


def post_action(service: Service, job_id: str, what: str, status: int = 202) -> dict[str, Any]:
    answer = service.client.post(f"/v1/jobs/{job_id}/{what}")
    assert answer.status_code == status, answer.text
    job: dict[str, Any] = answer.json()
    return job


def assert_resumes_from(
    service: Service, job_id: str, stopped_at: Place, uninterrupted: dict[str, Any]
) -> None:
    """Asserts that a job resumes from a place, not before it, and has the uninterrupted result."""

    def look() -> dict[str, Any] | None:
        job = service.job(job_id)
        assert job["is_terminal"] or place(job) >= stopped_at
        return job if job["is_terminal"] else None

    job = until(look, "the end", 180)
    assert (job["state"], job["attempt"], job["bit_exact"]) == ("succeeded", 2, True)
    assert job["warnings"] == uninterrupted["warnings"]
    assert metrics(service, job_id) == metrics(service, uninterrupted["id"])
    weights = [service.file(one["model"], "model.safetensors") for one in (job, uninterrupted)]
    assert same(*weights)


def metrics(service: Service, job_id: str) -> list[dict[str, float]]:
    epochs = service.client.get(f"/v1/jobs/{job_id}/history").json()["epochs"]
    return [epoch["metrics"] for epoch in epochs]


def states(job: dict[str, Any]) -> list[str]:
    return [step["state"] for step in job["transitions"]]


def test_a_paused_job_frees_its_worker_and_resumes_with_the_same_bits(
    service: Service, request_body: dict[str, Any], uninterrupted: dict[str, Any]
) -> None:
    job_id = service.submit(**request_body)
    before = await_mid_epoch(service, job_id)
    tag = service.client.get(f"/v1/jobs/{job_id}").headers["etag"]
    assert post_action(service, job_id, "pause")["state"] == "pausing"
    again = service.client.get(f"/v1/jobs/{job_id}", headers={"If-None-Match": tag})
    assert again.status_code == 200
    paused = await_state(service, job_id, "paused")
    assert post_action(service, job_id, "pause")["state"] == "paused"
    assert place(paused) >= before
    assert paused["progress"]["seconds_remaining"] is None
    assert service.client.delete(f"/v1/jobs/{job_id}").status_code == 409
    service.trained(**{**request_body, "fit": {"epochs": 1, "batch_size": 2_000}})
    assert place(service.job(job_id)) == place(paused)

    assert post_action(service, job_id, "resume")["state"] == "queued"
    assert_resumes_from(service, job_id, place(paused), uninterrupted)
    expected = ["queued", "running", "pausing", "paused", "queued", "running", "succeeded"]
    assert states(service.job(job_id)) == expected
    assert post_action(service, job_id, "pause", 409)["type"].endswith("conflict")
    assert post_action(service, job_id, "resume", 409)["type"].endswith("conflict")


def test_a_paused_job_is_cancelled_at_once(service: Service, request_body: dict[str, Any]) -> None:
    job_id = service.submit(**request_body)
    await_mid_epoch(service, job_id)
    post_action(service, job_id, "pause")
    await_state(service, job_id, "paused")
    assert post_action(service, job_id, "cancel")["state"] == "cancelled"
    assert post_action(service, job_id, "resume", 409)["detail"]
    assert service.client.delete(f"/v1/jobs/{job_id}").status_code == 204


def test_a_worker_that_is_stopped_saves_a_checkpoint_and_releases_its_job(
    service: Service, request_body: dict[str, Any], uninterrupted: dict[str, Any]
) -> None:
    job_id = service.submit(**request_body)
    before = await_mid_epoch(service, job_id)
    training = service.training_process()
    service.part("worker").terminate()
    job = await_state(service, job_id, "queued")
    assert job["transitions"][-1]["reason"] == "its worker was stopped"
    assert place(job) >= before
    until(lambda: None if training.is_running() else True, "the end of the training process")
    assert_resumes_from(service, job_id, place(job), uninterrupted)
    assert states(service.job(job_id)) == ["queued", "running", "queued", "running", "succeeded"]
