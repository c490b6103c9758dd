"""A full disk is answered by 507 and leaves no partial file."""

import resource
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.support.engines import Engine
from tests.support.service import Service

ROOM = 4 * 1024 * 1024


@pytest.fixture
def service(engine: Engine, tmp_path: Path) -> Iterator[Service]:
    """A service that a test may damage."""
    running = engine.service(tmp_path, PREDICT_PREPARE_SECONDS="0")
    yield running
    running.stop()


def leave_room(processes: list[psutil.Process], room: int) -> None:
    """Limits the size of each file that the processes and their children may write."""
    for process in processes:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))


@pytest.mark.slow
def test_an_upload_on_a_full_disk_is_answered_by_507(service: Service) -> None:
    leave_room(service.descendants(), ROOM)
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


@pytest.mark.slow
def test_a_first_prediction_on_a_full_disk_is_rejected_instead_of_changing_the_engine(
    service: Service,
) -> None:
    graph = {
        "inputs": [{"name": "x", "shape": [2]}],
        "nodes": [{"name": "y", "layer": {"type": "Dense", "config": {"units": 1}}, "inputs": "x"}],
        "outputs": ["y"],
    }
    model = service.trained(kind="build", graph=graph)["model"]
    statuses = []
    for room in (64, resource.RLIM_INFINITY):
        leave_room(service.forkservers(), room)
        answer = service.client.post(f"/v1/models/{model}:predict", json={"instances": [[1, 2]]})
        statuses.append(answer.status_code)
    assert statuses == [507, 200]
    (kept,) = (service.data / "predict-cache").iterdir()
    assert kept.stat().st_size > 0, "the full disk was taken for a model that ONNX cannot express"
