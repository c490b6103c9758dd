"""A job over its memory limit fails; the worker continues."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.service import Service


@pytest.fixture
def bounded(tmp_path: Path) -> Iterator[Service]:
    running = Service(tmp_path, MAX_TRAINING_MEMORY_BYTES=str(2**29))
    yield running
    running.stop()


def job(data: str, units: int) -> dict[str, Any]:
    wide = {"type": "Dense", "config": {"units": units}}
    dense = {"type": "Dense", "config": {"units": 1}}
    graph = {
        "inputs": [{"name": "x", "shape": [2]}],
        "nodes": [
            {"name": "a", "layer": wide, "inputs": "x"},
            {"name": "b", "layer": wide, "inputs": "a"},
            {"name": "y", "layer": dense, "inputs": "b"},
        ],
        "outputs": ["y"],
    }
    return {
        "graph": graph,
        "dataset": data,
        "compile": {"optimizer": "sgd", "loss": "mse"},
        "resources": {"memory_bytes": 1},  # else it would wait for a worker that has enough
    }


@pytest.mark.slow
def test_the_worker_continues_after_a_job_over_the_memory_limit(bounded: Service) -> None:
    data = bounded.dataset({"x": [[0.0, 1.0]] * 8, "y": [[1.0]] * 8})
    failed = bounded.ended(bounded.submit(**job(data, 20_000)))
    assert failed["state"] == "failed"
    assert failed["error"]["type"] == "out-of-memory"
    assert "MAX_TRAINING_MEMORY_BYTES" in failed["error"]["detail"]
    assert failed["attempt"] == 1
    bounded.trained(**job(data, 2))
