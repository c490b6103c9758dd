"""A full disk: 507, and nothing half-written."""

import resource
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from tests.engines import Engine
from tests.service import Service

ROOM = 4 * 1024 * 1024


@pytest.fixture
def service(engine: Engine, tmp_path: Path) -> Iterator[Service]:
    """A service of which no process may write a file larger than a few MiB."""
    running = engine.service(tmp_path)
    for process in running.descendants():
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (ROOM, ROOM))
    yield running
    running.stop()


@pytest.mark.slow
def test_an_upload_that_does_not_fit(service: Service) -> None:
    archive = BytesIO()
    np.savez(archive, x=np.zeros((ROOM // 8 + 1_000,)))
    headers = {"Content-Type": "application/x-npz"}
    answer = service.client.post("/v1/datasets", content=archive.getvalue(), headers=headers)
    assert answer.status_code == 507, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert [*service.store().files("datasets")] == []
    assert service.scratch() == []
    assert service.client.get("/v1/datasets").json()["items"] == []
    small = BytesIO()
    np.savez(small, x=np.zeros(10))
    again = service.client.post("/v1/datasets", content=small.getvalue(), headers=headers)
    assert again.status_code == 201
