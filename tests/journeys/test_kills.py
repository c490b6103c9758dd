"""A job whose processes are killed in mid-training ends once, with the bits of a plain run."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from typing import Any

import numpy as np
import psutil
import pytest

from tests.journeys.long_training import EPOCHS, await_mid_training, long_training_request
from tests.support.engines import Engine
from tests.support.example_bodies import same
from tests.support.service import ROOT, Service, until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service for these tests alone, with a short lease."""
    running = engine.service(tmp_path_factory.mktemp("kills"), LEASE_SECONDS="3")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def request_body(service: Service) -> dict[str, Any]:
    return long_training_request(service)


@pytest.fixture(scope="module")
def undisturbed(service: Service, request_body: dict[str, Any]) -> bytes:
    """The weights of a run without a kill."""
    return service.file(service.trained(**request_body)["model"], "model.safetensors")


def assert_equal_result(service: Service, job_id: str, undisturbed: bytes) -> None:
    job = service.ended(job_id)
    assert job["state"] == "succeeded", job["error"]
    assert job["attempt"] >= 2
    assert job["bit_exact"] is True
    history = service.client.get(f"/v1/jobs/{job_id}/history").json()["epochs"]
    assert [epoch["epoch"] for epoch in history] == list(range(1, EPOCHS + 1))
    assert same(service.file(job["model"], "model.safetensors"), undisturbed)
    models = service.client.get("/v1/models").json()["items"]
    assert [model["id"] for model in models if model["job"] == job_id] == [job["model"]]


def test_the_training_process_is_killed(
    service: Service, request_body: dict[str, Any], undisturbed: bytes
) -> None:
    job_id = service.submit(**request_body)
    await_mid_training(service, job_id)
    service.training_process().kill()
    assert_equal_result(service, job_id, undisturbed)
    steps = service.job(job_id)["transitions"]
    assert any("killed (signal 9)" in step["reason"] for step in steps)


def test_the_worker_is_killed(
    service: Service, request_body: dict[str, Any], undisturbed: bytes
) -> None:
    job_id = service.submit(**request_body)
    await_mid_training(service, job_id)
    training = service.training_process()
    service.part("worker").kill()
    until(lambda: None if training.is_running() else True, "the end of the orphan")
    assert_equal_result(service, job_id, undisturbed)


def test_the_whole_service_is_killed(
    service: Service, request_body: dict[str, Any], undisturbed: bytes
) -> None:
    job_id = service.submit(**request_body)
    await_mid_training(service, job_id)
    service.kill()
    service.start()
    assert_equal_result(service, job_id, undisturbed)


def test_serve_is_killed_and_its_parts_end(
    service: Service, request_body: dict[str, Any], undisturbed: bytes
) -> None:
    job_id = service.submit(**request_body)
    await_mid_training(service, job_id)
    parts = service.descendants()
    os.kill(service.process.pid, signal.SIGKILL)
    for part in parts:
        until(lambda part=part: None if part.is_running() else True, f"the end of {part}")  # type: ignore[misc]
    service.start()
    assert_equal_result(service, job_id, undisturbed)


def test_a_worker_is_stopped_past_its_lease_and_continued(
    service: Service, request_body: dict[str, Any], undisturbed: bytes
) -> None:
    job_id = service.submit(**request_body)
    await_mid_training(service, job_id)
    stopped_worker = service.part("worker")
    suspend_between_writes(stopped_worker, service)
    with second_worker(service):
        job = service.ended(job_id)
        winner = service.job(job_id)["attempt"]
        stopped_worker.resume()
        assert_equal_result(service, job_id, undisturbed)
        # A second job keeps both workers busy: if the stopped worker still wrote anything about
        # the first job, it would do so before the second job ends.
        service.trained(**request_body)
    assert service.job(job_id)["attempt"] == winner
    assert attempts_with_files(service, job_id) == {winner}
    assert job["state"] == "succeeded"


def attempts_with_files(service: Service, job_id: str) -> set[int]:
    """The attempts that have files in the store."""
    folders = {file.folder for file in service.store().files("jobs")}
    return {int(f.rpartition("/")[2]) for f in folders if f.startswith(f"jobs/{job_id}/")}


def suspend_between_writes(process: psutil.Process, service: Service) -> None:
    """Stops a process while it holds no lock, which would block all other writers of SQLite."""
    if service.settings.database_url:  # PostgreSQL disconnects a stopped writer
        process.suspend()
        return
    database = service.data / "graphfit.sqlite"

    def stopped() -> bool | None:
        process.suspend()
        try:
            with closing(sqlite3.connect(database, timeout=0.2)) as connection:
                connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            process.resume()
            return None
        return True

    until(stopped, "a moment between two writes")


class second_worker:  # noqa: N801 - reads as a function
    """Runs another worker on the same data while the context lasts."""

    def __init__(self, service: Service) -> None:
        command = [sys.executable, "-m", "cli.main", "worker"]
        self._process = subprocess.Popen(command, cwd=ROOT, env=service.environment)

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(60)


def test_a_training_that_is_killed_twice_without_progress_fails(
    service: Service, request_body: dict[str, Any]
) -> None:
    endless = {**request_body, "fit": {"epochs": 1, "batch_size": 1}, "dataset": large(service)}
    job_id = service.submit(**endless)
    first = service.training_process()
    first.kill()
    until(lambda: True if service.job(job_id)["attempt"] == 2 else None, "the second attempt")
    until(lambda: True if service.training_process().pid != first.pid else None, "its process")
    service.training_process().kill()
    job = service.ended(job_id)
    assert job["state"] == "failed"
    assert job["error"]["category"] == "infrastructure"
    assert "signal 9" in job["error"]["detail"]
    assert "out of memory" in job["error"]["detail"]
    assert attempts_with_files(service, job_id) == set()


def large(service: Service) -> str:
    """Uploads so many rows that an epoch of single rows takes minutes."""
    x = np.ones((200_000, 32), "float32")
    archive = BytesIO()
    np.savez(archive, x=x, y=x[:, 0])
    headers = {"Content-Type": "application/x-npz"}
    answer = service.client.post("/v1/datasets", content=archive.getvalue(), headers=headers)
    identifier: str = answer.json()["id"]
    return identifier
