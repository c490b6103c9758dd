"""`graphfit health` tells a part at work from one that hangs."""

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
def pulses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pulses")


@pytest.fixture(scope="module")
def watched(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, pulses: Path
) -> Iterator[Service]:
    """A service whose pulses can be felt."""
    service = engine.service(tmp_path_factory.mktemp("watched"), PULSES=str(pulses))
    yield service
    service.stop()


def health(pulses: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "cli.main", "health", *arguments]
    environment = {"GRAPHFIT_PULSES": str(pulses)}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def well(pulses: Path, part: str) -> None:
    until(
        lambda: health(pulses, part, "--within", WITHIN).returncode == 0 or None,
        f"the {part}'s pulse",
    )


@pytest.mark.slow
@pytest.mark.parametrize("part", ["worker", "reaper"])
def test_a_part_that_hangs_is_ill_until_it_goes_on(
    watched: Service, pulses: Path, part: str
) -> None:
    def missed() -> bool | None:
        done = health(pulses, part, "--within", WITHIN)
        assert done.returncode == (1 if done.stderr else 0)
        return f"the {part} gave its last sign" in done.stderr or None

    well(pulses, part)
    process = watched.part(part)
    process.send_signal(signal.SIGSTOP)
    try:
        until(missed, f"the {part} to be missed")
    finally:
        process.send_signal(signal.SIGCONT)
    well(pulses, part)


@pytest.mark.slow
def test_a_busy_worker_has_a_pulse(watched: Service, pulses: Path) -> None:
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
    pulse = pulses / "worker.pulse"
    for _ in range(3):
        pulse.unlink()
        until(lambda: pulse.exists() or None, "the worker's pulse")
        assert watched.job(job_id)["state"] == "running"
    watched.client.post(f"/v1/jobs/{job_id}/cancel")
    watched.ended(job_id)


def test_the_api_is_well_where_it_listens(service: Service, tmp_path: Path) -> None:
    port = str(urlsplit(service.address).port)
    assert health(tmp_path, "api", "--port", port).returncode == 0
    elsewhere = health(tmp_path, "api", "--port", "1")
    assert (elsewhere.returncode, elsewhere.stderr) == (1, "graphfit: the api is not ready\n")


def test_a_part_that_never_gave_a_sign_is_not_well(tmp_path: Path) -> None:
    done = health(tmp_path, "worker")
    assert (done.returncode, done.stderr) == (1, "graphfit: the worker has given no sign yet\n")
