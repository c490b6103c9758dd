"""Evaluate and predict jobs that are killed or paused end once, with the bits of a plain run."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import psutil
import pytest

from tests.support.engines import Engine
from tests.support.service import Service, until

pytestmark = pytest.mark.slow
ROWS = 60_000
GRAPH = {
    "inputs": [{"name": "x", "shape": [16]}],
    "nodes": [
        {"name": f"wide{i}", "layer": {"type": "Dense", "config": {"units": 700}}, "inputs": source}
        for i, source in enumerate(["x", "wide0", "wide1", "wide2"])
    ]
    + [{"name": "y", "layer": {"type": "Dense", "config": {"units": 4}}, "inputs": "wide3"}],
    "outputs": ["y"],
}


@pytest.fixture(scope="module")
def service(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service for these tests alone, which stores its states often."""
    folder = tmp_path_factory.mktemp("inference")
    running = engine.service(folder, LEASE_SECONDS="3", CHECKPOINT_SECONDS="0.5")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def bodies(service: Service) -> dict[str, dict[str, Any]]:
    """The requests by kind."""
    draw = np.random.default_rng(6)
    x = draw.random((ROWS, 16), np.float32).round(3)
    dataset = service.dataset(
        {"x": x, "y": x[:, :4], "id": np.arange(ROWS)}, dtypes={"x": "float32", "y": "float32"}
    )
    model = service.trained(kind="build", graph=GRAPH, seed=3)["model"]
    common = {"model": model, "dataset": dataset, "batch_size": 32}
    return {
        "evaluate": {**common, "kind": "evaluate", "compile": {"loss": "mse"}},
        "predict": {**common, "kind": "predict", "keep": ["id"]},
    }


def find_result(service: Service, job: dict[str, Any]) -> Any:
    """What must be equal bit for bit."""
    if job["kind"] == "evaluate":
        return job["metrics"]
    dataset = service.client.get(f"/v1/datasets/{job['dataset']}").json()
    return {name: dataset[name] for name in ("rows", "bytes", "sha256", "columns")}


@pytest.fixture(scope="module")
def undisturbed(service: Service, bodies: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The results of runs without a kill, by kind."""
    return {kind: find_result(service, service.trained(**body)) for kind, body in bodies.items()}


def kill_child(service: Service) -> None:
    for process in service.descendants():
        with suppress(psutil.NoSuchProcess):
            if process.name() == "graphfit-infer":
                process.kill()


def kill_worker(service: Service) -> None:
    service.part("worker").kill()


def kill_all(service: Service) -> None:
    service.kill()
    service.start()


def is_stored(service: Service, job_id: str) -> bool | None:
    """Whether a state of the running job is in the store."""
    assert not service.job(job_id)["is_terminal"], "the job ended too early"
    folders = {file.folder for file in service.store().files("jobs")}
    return any(folder.startswith(f"jobs/{job_id}/") for folder in folders) or None


@pytest.mark.parametrize("kill", [kill_child, kill_worker, kill_all])
@pytest.mark.parametrize("kind", ["evaluate", "predict"])
def test_a_killed_job_ends_once_with_the_same_bits(
    service: Service,
    bodies: dict[str, dict[str, Any]],
    undisturbed: dict[str, Any],
    kind: str,
    kill: Callable[[Service], None],
) -> None:
    datasets = count_datasets(service)
    job_id = service.submit(**bodies[kind])
    until(lambda: is_stored(service, job_id), "a stored state")
    kill(service)
    job = service.ended(job_id)
    assert job["state"] == "succeeded", job["error"]
    assert job["attempt"] >= 2
    assert job["bit_exact"] is True
    assert find_result(service, job) == undisturbed[kind]
    assert count_datasets(service) == datasets + (kind == "predict")


def count_datasets(service: Service) -> int:
    return len(service.client.get("/v1/datasets?page_size=200").json()["items"])


@pytest.mark.parametrize("kind", ["evaluate", "predict"])
def test_a_paused_job_goes_on_and_a_cancelled_one_leaves_nothing(
    service: Service, bodies: dict[str, dict[str, Any]], undisturbed: dict[str, Any], kind: str
) -> None:
    datasets = count_datasets(service)
    job_id = service.submit(**bodies[kind])
    until(lambda: is_stored(service, job_id), "a stored state")
    assert service.client.post(f"/v1/jobs/{job_id}/pause").status_code == 202
    until(lambda: service.job(job_id)["state"] == "paused" or None, "the pause")
    assert service.client.post(f"/v1/jobs/{job_id}/resume").status_code == 202
    assert find_result(service, service.ended(job_id)) == undisturbed[kind]

    job_id = service.submit(**bodies[kind])
    until(lambda: is_stored(service, job_id), "a stored state")
    assert service.client.post(f"/v1/jobs/{job_id}/cancel").status_code == 202
    assert service.ended(job_id)["state"] == "cancelled"
    assert count_datasets(service) == datasets + (kind == "predict")
