"""`graphfit health` distinguishes a part that works from one that hangs."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from tests.support.engines import Engine
from tests.support.service import ROOT, Service, until

WITHIN = "2"


@pytest.fixture(scope="module")
def heartbeats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("heartbeats")


@pytest.fixture(scope="module")
def watched(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, heartbeats: Path
) -> Iterator[Service]:
    """A service that writes heartbeat files."""
    service = engine.service(tmp_path_factory.mktemp("watched"), HEARTBEATS=str(heartbeats))
    yield service
    service.stop()


def health(heartbeats: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "cli.main", "health", *arguments]
    environment = {"GRAPHFIT_HEARTBEATS": str(heartbeats)}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def await_health(heartbeats: Path, part: str) -> None:
    until(
        lambda: health(heartbeats, part, "--within", WITHIN).returncode == 0 or None,
        f"the {part}'s heartbeat",
    )


@pytest.mark.slow
@pytest.mark.parametrize("part", ["worker", "reaper"])
def test_a_part_that_hangs_is_unhealthy_until_it_continues(
    watched: Service, heartbeats: Path, part: str
) -> None:
    def missed() -> bool | None:
        done = health(heartbeats, part, "--within", WITHIN)
        assert done.returncode == (1 if done.stderr else 0)
        return f"the {part} sent its last heartbeat" in done.stderr or None

    await_health(heartbeats, part)
    process = watched.part(part)
    process.send_signal(signal.SIGSTOP)
    try:
        until(missed, f"the {part} to be missed")
    finally:
        process.send_signal(signal.SIGCONT)
    await_health(heartbeats, part)


@pytest.mark.slow
def test_a_busy_worker_sends_heartbeats(watched: Service, heartbeats: Path) -> None:
    x = np.random.default_rng(5).random((2_000, 16)).round(4)
    job_id = watched.submit(
        graph={
            "inputs": [{"name": "x", "shape": [16]}],
            "nodes": [
                {"name": "y", "layer": {"type": "Dense", "config": {"units": 1}}, "inputs": "x"}
            ],
            "outputs": ["y"],
        },
        dataset=watched.dataset({"x": x, "y": x.sum(axis=1).round(4)}),
        compile={"loss": "mse"},
        fit={"epochs": 100_000, "batch_size": 8},
    )
    until(lambda: watched.job(job_id)["state"] == "running" or None, "its start")
    file = heartbeats / "worker.heartbeat"
    for _ in range(3):
        file.unlink(missing_ok=True)
        until(lambda: file.exists() or None, "the worker's heartbeat")
        assert watched.job(job_id)["state"] == "running"
    watched.client.post(f"/v1/jobs/{job_id}/cancel")
    watched.ended(job_id)


def test_the_api_is_healthy_where_it_listens(service: Service, tmp_path: Path) -> None:
    port = str(urlsplit(service.address).port)
    assert health(tmp_path, "api", "--port", port).returncode == 0
    elsewhere = health(tmp_path, "api", "--port", "1")
    assert (elsewhere.returncode, elsewhere.stderr) == (1, "graphfit: the api is not ready\n")


def test_a_part_without_a_heartbeat_is_unhealthy(tmp_path: Path) -> None:
    done = health(tmp_path, "worker")
    assert (done.returncode, done.stderr) == (1, "graphfit: the worker has sent no heartbeat yet\n")
