"""A server of its own, whose queue no other test fills, and a small request."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from api.settings import Settings
from tests.api.requests import graph, made
from tests.support.api_server import Server
from tests.support.service import until


@pytest.fixture(scope="package")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("sweeps"), Settings(predict_prepare_seconds=0))
    until(lambda: running.parts.checker.is_warm or None, "the checker")
    yield running
    running.stop()


@pytest.fixture(scope="package")
def dataset(alone: Server) -> str:
    draw = np.random.default_rng(3)
    columns = {"x": draw.random((20, 4)).tolist(), "y": draw.random((20, 3)).tolist()}
    identifier: str = made(alone.client.post("/v1/datasets", json={"columns": columns}))["id"]
    return identifier


@pytest.fixture
def job(dataset: str) -> dict[str, Any]:
    """The request of a job."""
    return {
        "graph": graph(),
        "dataset": dataset,
        "compile": {"optimizer": {"type": "Adam"}, "loss": "mse"},
        "fit": {"epochs": 3, "validation_split": 0.25},
    }
