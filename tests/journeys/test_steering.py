"""Cancellation, time limits, events and repeated requests during a training."""

import json
from typing import Any

import numpy as np
import psutil
import pytest

from tests.support.service import Service, until

GRAPH = {
    "inputs": [{"name": "x", "shape": [16]}],
    "nodes": [{"name": "y", "layer": {"type": "Dense", "config": {"units": 1}}, "inputs": "x"}],
    "outputs": ["y"],
}


@pytest.fixture(scope="module")
def long_job(service: Service) -> dict[str, Any]:
    x = np.random.default_rng(5).random((2_000, 16)).round(4)
    return {
        "graph": GRAPH,
        "dataset": service.dataset({"x": x, "y": x.sum(axis=1).round(4)}),
        "compile": {"loss": "mse"},
        "fit": {"epochs": 100_000, "batch_size": 8},
        "seed": 7,
    }


def running(service: Service, job_id: str) -> None:
    def looking() -> bool | None:
        job = service.job(job_id)
        assert not job["is_terminal"], job["error"]
        return True if job["progress"]["fraction"] > 0 else None

    until(looking, "the first progress")


def count_cpu_seconds(process: psutil.Process) -> float | None:
    """Returns the processor time of a process, in seconds; None after its end."""
    try:
        times = process.cpu_times()
        return None if process.status() == psutil.STATUS_ZOMBIE else times.user + times.system
    except psutil.NoSuchProcess:
        return None


def test_cancelling_acts_within_two_seconds(service: Service, long_job: dict[str, Any]) -> None:
    """The seconds are those of the processor, since a training keeps a core busy all the time."""
    job_id = service.submit(**long_job)
    running(service, job_id)
    job = service.job(job_id)
    assert job["progress"]["seconds_remaining"] > 0
    training = service.training_process()
    began = until(lambda: count_cpu_seconds(training), "the processor time")
    answer = service.client.post(f"/v1/jobs/{job_id}/cancel")
    assert answer.status_code == 202
    assert answer.json()["state"] == "cancelling"
    used = [began]

    def is_over() -> bool | None:
        seconds = count_cpu_seconds(training)
        used.append(used[-1] if seconds is None else seconds)
        return True if seconds is None else None

    until(is_over, "the end of the training process")
    assert used[-1] - began < 2
    ended = service.ended(job_id)
    assert ended["state"] == "cancelled"
    assert ended["progress"]["seconds_remaining"] is None
    states = [step["state"] for step in service.job(job_id)["transitions"]]
    assert states == ["queued", "running", "cancelling", "cancelled"]
    assert service.client.delete(f"/v1/jobs/{job_id}").status_code == 204
    assert service.client.get(f"/v1/jobs/{job_id}").status_code == 404


def test_a_finished_training_keeps_its_model(service: Service, long_job: dict[str, Any]) -> None:
    job_id = service.submit(**long_job)
    address = f"/v1/jobs/{job_id}/finish"
    running(service, job_id)
    answer = service.client.post(address)
    assert answer.status_code == 202
    assert service.client.post(address).status_code == 202
    ended = service.ended(job_id)
    assert ended["state"] == "succeeded"
    assert ended["stopped"]["reason"] == "asked"
    assert ended["progress"]["epoch"] == ended["stopped"]["epoch"] < 100_000
    model = service.client.get(f"/v1/models/{ended['model']}").json()
    assert model["epoch"] == ended["stopped"]["epoch"]
    assert model["metrics"] == ended["metrics"]
    assert service.client.post(address).status_code == 202
    other = service.ended(service.submit(**{**long_job, "fit": {"epochs": 1}}))
    refused = service.client.post(f"/v1/jobs/{other['id']}/finish")
    assert refused.status_code == 409
    assert "succeeded" in refused.json()["detail"]


def test_a_live_stream_tells_steps_and_a_queued_job_its_position(
    service: Service, long_job: dict[str, Any]
) -> None:
    first = service.submit(**{**long_job, "fit": {"epochs": 1_000, "batch_size": 1}})
    running(service, first)
    second, third = (service.submit(**long_job) for _ in range(2))
    assert [service.job(job)["position"] for job in (first, second, third)] == [None, 0, 1]
    tag = service.client.get(f"/v1/jobs/{third}").headers["etag"]
    service.client.post(f"/v1/jobs/{second}/cancel")
    until(lambda: service.job(third)["position"] == 0 or None, "the change of the position")
    assert service.client.get(f"/v1/jobs/{third}").headers["etag"] != tag
    service.client.post(f"/v1/jobs/{third}/cancel")
    step = next(event for event in stream(service, first) if event["type"] == "step")
    assert {*step["data"]} == {"epoch", "step", "steps", "metrics"}
    assert 0 < step["data"]["step"] <= step["data"]["steps"] == 2_000
    stored = service.client.get(f"/v1/jobs/{first}/events").json()["items"]
    assert not [event for event in stored if event["type"] == "step"]
    service.client.post(f"/v1/jobs/{first}/cancel")
    service.ended(first)


def test_a_queued_job_is_cancelled_at_once_and_a_running_job_protects_its_data(
    service: Service, long_job: dict[str, Any]
) -> None:
    first = service.submit(**long_job)
    running(service, first)
    second = service.submit(**long_job)
    assert service.client.post(f"/v1/jobs/{second}/cancel").json()["state"] == "cancelled"
    refused = service.client.delete(f"/v1/datasets/{long_job['dataset']}")
    assert refused.status_code == 409
    assert first in refused.json()["detail"]
    assert service.client.delete(f"/v1/jobs/{first}").status_code == 409
    service.client.post(f"/v1/jobs/{first}/cancel")
    assert service.ended(first)["state"] == "cancelled"


def test_a_job_over_its_time_limit_fails_as_the_users_fault(
    service: Service, long_job: dict[str, Any]
) -> None:
    job = service.ended(service.submit(**long_job, limits={"seconds": 1}))
    assert job["state"] == "failed"
    assert job["error"]["category"] == "user"
    assert job["error"]["pointer"] == "/limits/seconds"


def test_an_event_stream_is_live_and_can_be_resumed(
    service: Service, long_job: dict[str, Any]
) -> None:
    request = {**long_job, "fit": {"epochs": 5, "batch_size": 32}}
    job_id = service.submit(**request)
    sent = list(stream(service, job_id))
    events = [event for event in sent if event["type"] != "step"]
    assert all("id" not in event for event in sent if event["type"] == "step")
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert [e["data"]["epoch"] for e in events if e["type"] == "epoch"] == [1, 2, 3, 4, 5]
    states = [e["data"]["state"] for e in events if e["type"] == "state"]
    assert states == ["queued", "running", "succeeded"]
    assert list(stream(service, job_id, last="3")) == events[3:]
    page = service.client.get(f"/v1/jobs/{job_id}/events", params={"page_size": 2}).json()
    assert page["items"] == events[:2]
    rest = {"page_size": 100, "cursor": page["next_cursor"]}
    assert (
        service.client.get(f"/v1/jobs/{job_id}/events", params=rest).json()["items"] == events[2:]
    )


def stream(service: Service, job_id: str, last: str | None = None) -> Any:
    headers = {"Accept": "text/event-stream"}
    if last is not None:
        headers["Last-Event-ID"] = last
    with service.client.stream("GET", f"/v1/jobs/{job_id}/events", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("data:"):
                yield json.loads(line.removeprefix("data:"))


def test_the_same_key_gives_the_same_job(service: Service, long_job: dict[str, Any]) -> None:
    request = {**long_job, "fit": {"epochs": 1}}
    headers = {"Idempotency-Key": "once"}
    first = service.client.post("/v1/jobs", json=request, headers=headers)
    again = service.client.post("/v1/jobs", json=request, headers=headers)
    assert first.status_code == again.status_code == 202
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    other = service.client.post("/v1/jobs", json={**request, "seed": 8}, headers=headers)
    assert other.status_code == 422
    service.ended(first.json()["id"])


def test_a_job_that_has_not_changed_is_not_sent_again(
    service: Service, long_job: dict[str, Any]
) -> None:
    job = service.trained(**{**long_job, "fit": {"epochs": 1}})
    address = f"/v1/jobs/{job['id']}"
    tag = service.client.get(address).headers["etag"]
    assert tag.startswith('W/"')
    assert service.client.get(address, headers={"If-None-Match": tag}).status_code == 304


def test_a_training_starts_from_the_weights_of_a_model(
    service: Service, long_job: dict[str, Any]
) -> None:
    first = service.trained(**{**long_job, "fit": {"epochs": 2}})
    request = {key: value for key, value in long_job.items() if key != "graph"}
    second = service.trained(**{**request, "model": first["model"], "fit": {"epochs": 2}})
    assert second["metrics"]["loss"] < first["metrics"]["loss"]
    assert second["model"] != first["model"]
    assert service.client.delete(f"/v1/models/{first['model']}").status_code == 204
    assert service.client.get(f"/v1/models/{second['model']}").status_code == 200


def test_an_error_of_keras_in_training_is_not_retried(service: Service) -> None:
    unrolled = {"type": "LSTM", "config": {"units": 2, "unroll": True}}
    graph = {
        "inputs": [{"name": "x", "shape": [None, 3]}],
        "nodes": [{"name": "y", "layer": unrolled, "inputs": "x"}],
        "outputs": ["y"],
    }
    answer = service.client.post("/v1/jobs", json={"kind": "build", "graph": graph})
    if answer.status_code == 202:
        job = service.ended(answer.json()["id"])
        assert (job["state"], job["attempt"]) == ("failed", 1)
        assert job["error"]["category"] == "user"
    else:
        assert answer.status_code == 422


def test_a_job_whose_data_was_deleted_fails_with_the_reason(
    service: Service, long_job: dict[str, Any]
) -> None:
    x = np.arange(32.0).reshape(2, 16)
    dataset = service.dataset({"x": x, "y": [1.0, 2.0]})
    service.store().delete_prefix(f"datasets/{dataset}")
    job = service.ended(service.submit(**{**long_job, "dataset": dataset}))
    assert job["error"]["type"] == "data-missing"
    assert job["error"]["category"] == "infrastructure"
