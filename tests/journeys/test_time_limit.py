"""The time limit of the service counts all attempts of a job, and its processes hold no secret."""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from domain.secret_variables import is_secret
from tests.journeys.long_training import long_training_request
from tests.support.service import Service, until

pytestmark = pytest.mark.slow

SECONDS = 20


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("limited")
    running = Service(folder, MAX_JOB_SECONDS=str(SECONDS), S3_SECRET_KEY="secret")
    yield running
    running.stop()


def await_state(service: Service, job_id: str, state: str) -> None:
    def look() -> bool | None:
        job = service.job(job_id)
        assert not job["is_terminal"], job["error"]
        return job["state"] == state or None

    until(look, state)


def count_running_seconds(job: dict[str, Any]) -> float:
    """Returns the seconds between each start of a job and the change of state after it."""
    changes = [(c["state"], datetime.fromisoformat(c["at"])) for c in job["transitions"]]
    held = ("running", "pausing")
    pairs = pairwise(changes)
    return sum((end - begin).total_seconds() for (state, begin), (_, end) in pairs if state in held)


def test_a_job_is_ended_at_the_limit_of_the_service_over_all_attempts(limited: Service) -> None:
    request = {**long_training_request(limited), "fit": {"epochs": 100_000, "batch_size": 16}}
    job_id = limited.submit(**request)
    await_state(limited, job_id, "running")
    limited.training_process()
    assert limited.client.post(f"/v1/jobs/{job_id}/pause").status_code == 202
    await_state(limited, job_id, "paused")
    assert limited.client.post(f"/v1/jobs/{job_id}/resume").status_code == 202
    job = limited.ended(job_id)
    assert (job["state"], job["attempt"]) == ("failed", 2)
    assert job["error"]["type"] == "deadline-exceeded"
    assert job["error"]["category"] == "user"
    assert job["error"]["pointer"] == "/fit/epochs"
    assert f"{SECONDS} seconds" in job["error"]["detail"]
    assert "MAX_JOB_SECONDS" in job["error"]["detail"]
    assert SECONDS - 1 <= count_running_seconds(job) <= SECONDS + 10


def test_a_request_beyond_the_limit_is_refused(limited: Service) -> None:
    request = {**long_training_request(limited), "limits": {"seconds": SECONDS + 1}}
    answer = limited.client.post("/v1/jobs", json=request)
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert fault["pointer"] == "/limits/seconds"


def test_processes_that_run_graphs_start_without_secrets(limited: Service) -> None:
    job_id = limited.submit(**long_training_request(limited))
    processes = [limited.training_process(), *limited.forkservers()]
    for process in processes:
        names = process.environ().keys()
        assert "GRAPHFIT_MAX_JOB_SECONDS" in names
        assert [name for name in names if is_secret(name)] == []
    assert any(map(is_secret, limited.part("worker").environ()))
    limited.client.post(f"/v1/jobs/{job_id}/cancel")
