"""The workers that `GET /v1/workers` lists, and jobs that no worker fits."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from models_store.ids import new_id
from models_store.jobs import workers as store
from models_store.jobs.workers import Announcement
from tests.support.queued_jobs import DEFINITION, GPU
from tests.support.service import ROOT, Service, until


def workers(service: Service) -> list[dict[str, Any]]:
    answer = service.client.get("/v1/workers")
    assert answer.status_code == 200, answer.text
    return [worker for worker in answer.json()["items"] if worker["state"] != "lost"]


def test_a_worker_shows_its_capacity_and_its_job(service: Service) -> None:
    (idle,) = until(lambda: workers(service) or None, "the worker")
    assert (idle["device"], idle["gpus"], idle["state"], idle["job"]) == ("cpu", 0, "idle", None)
    assert idle["memory_bytes"] > 2**28
    x = [[0.0] * 4] * 64
    job_id = service.submit(
        graph=DEFINITION,
        dataset=service.dataset({"x": x, "y": [0.0] * 64}),
        compile={"loss": "mse"},
        fit={"epochs": 1_000_000},
    )

    def busy() -> dict[str, Any] | None:
        (worker,) = workers(service)
        return worker if worker["state"] == "busy" else None

    worker = until(busy, "a busy worker")
    assert (worker["id"], worker["job"]) == (idle["id"], job_id)
    service.client.post(f"/v1/jobs/{job_id}/cancel")
    service.ended(job_id)
    until(lambda: None if busy() else True, "an idle worker")


@contextmanager
def announced(service: Service, worker: Announcement) -> Iterator[None]:
    """Registers a worker of another machine."""
    with service.database() as database:
        with database.write() as connection:
            store.record_heartbeat(connection, worker, 600)
        yield
        with database.write() as connection:
            store.unregister(connection, worker.id)


def test_a_job_that_fits_no_worker_shows_the_reason_until_one_comes(service: Service) -> None:
    until(lambda: workers(service) or None, "the worker")
    request = {"kind": "build", "graph": DEFINITION, "resources": {"device": "gpu"}}
    answer = service.client.post("/v1/jobs", json=request)
    address = answer.headers["Location"]
    assert answer.json()["transitions"][-1]["reason"] == "waiting: no worker offers a gpu"
    seen = service.client.get(address)
    unchanged = {"If-None-Match": seen.headers["ETag"]}
    assert service.client.get(address, headers=unchanged).status_code == 304

    def changed() -> str | None:
        answer = service.client.get(address, headers=unchanged)
        if answer.status_code == 304:
            return None
        unchanged["If-None-Match"] = answer.headers["ETag"]
        reason: str = answer.json()["transitions"][-1]["reason"]
        return reason

    come = Announcement(new_id("worker"), "other", GPU, ("a card",), {}, "1", datetime.now(UTC))
    with announced(service, come):
        assert until(changed, "a reason less") == "accepted"
    assert until(changed, "the reason again") == "waiting: no worker offers a gpu"
    assert service.client.post(f"{address}/cancel").json()["state"] == "cancelled"


@pytest.mark.slow
def test_a_worker_with_too_few_gpus_reports_it_and_exits(service: Service) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "worker", "--device", "gpu:90,91"],
        cwd=ROOT,
        env=service.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert "This worker needs 2 GPU(s), but TensorFlow finds 0." in done.stderr
    assert "Traceback" not in done.stderr
