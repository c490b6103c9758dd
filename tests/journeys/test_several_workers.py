"""`graphfit serve --workers 2` runs two jobs at a time, and watches each worker."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.journeys.long_training import await_mid_training, long_training_request
from tests.journeys.test_health import WITHIN, await_health, health
from tests.journeys.test_workers import workers
from tests.support.engines import Engine
from tests.support.example_bodies import same
from tests.support.service import Service, until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def heartbeats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("heartbeats")
    for name in ("worker", "worker-3"):  # of an earlier service with more workers
        (folder / f"{name}.heartbeat").touch()
    return folder


@pytest.fixture(scope="module")
def service(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, heartbeats: Path
) -> Iterator[Service]:
    """A service with two workers and a short lease."""
    running = engine.service(
        tmp_path_factory.mktemp("two"), 2, LEASE_SECONDS="3", HEARTBEATS=str(heartbeats)
    )
    yield running
    running.stop()


def idle_workers(service: Service) -> list[dict[str, Any]] | None:
    """Both workers, once they are ready; None before."""
    found = [worker for worker in workers(service) if worker["state"] == "idle"]
    return found if len(found) == 2 else None


def test_two_jobs_run_at_a_time_and_a_killed_worker_is_replaced(service: Service) -> None:
    first, second = until(lambda: idle_workers(service), "two workers")
    assert first["id"] != second["id"]
    assert len(service.forkservers()) == 1
    request = long_training_request(service)
    jobs = [service.submit(**request) for _ in range(2)]
    for job in jobs:
        await_mid_training(service, job)
    running = {worker["job"]: worker for worker in workers(service)}
    assert set(running) == set(jobs)

    victim = psutil.Process(int(running[jobs[0]]["name"].rpartition("-")[2]))
    assert victim in service.parts("worker")
    victim.kill()
    ended = [service.ended(job) for job in jobs]
    assert [(job["state"], job["bit_exact"]) for job in ended] == [("succeeded", True)] * 2
    assert ended[0]["attempt"] >= 2
    assert ended[1]["attempt"] == 1, "the other worker was not disturbed"
    weights = [service.file(job["model"], "model.safetensors") for job in ended]
    assert same(*weights)
    replaced = until(lambda: idle_workers(service), "two workers again")
    assert victim.pid not in [int(worker["name"].rpartition("-")[2]) for worker in replaced]
    assert any("worker-" in line and "restarting it" in line for line in service.lines)


def test_one_worker_that_hangs_is_unhealthy(service: Service, heartbeats: Path) -> None:
    until(lambda: idle_workers(service), "two workers")
    await_health(heartbeats, "worker")
    names = {path.name for path in heartbeats.glob("worker*")}
    assert names == {"worker-1.heartbeat", "worker-2.heartbeat"}
    hanging = service.parts("worker")[1]
    hanging.suspend()
    try:

        def missed() -> str | None:
            return health(heartbeats, "worker", "--within", WITHIN).stderr or None

        line = until(missed, "a missed heartbeat")
        assert line.startswith(("graphfit: the worker-1 sent", "graphfit: the worker-2 sent"))
    finally:
        hanging.resume()
    await_health(heartbeats, "worker")


def test_both_workers_release_their_jobs_when_the_service_stops(
    engine: Engine, tmp_path: Path
) -> None:
    service = engine.service(tmp_path, 2)
    until(lambda: idle_workers(service), "two workers")
    request = long_training_request(service)
    jobs = [service.submit(**request) for _ in range(2)]
    for job in jobs:
        await_mid_training(service, job)
    processes = service.descendants()
    service.stop()
    assert service.process.returncode == 0
    for process in processes:  # the resource tracker of multiprocessing ends after its clients
        until(lambda process=process: not process.is_running() or None, f"the end of {process}")  # type: ignore[misc]
    service.start()
    try:
        ended = [service.ended(job) for job in jobs]
        assert [job["state"] for job in ended] == ["succeeded"] * 2
        assert all(job["bit_exact"] for job in ended)
    finally:
        service.stop()
