"""A job that brings its data: trained as the first example of `/docs`, and killed in mid-write."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from models_store.maintenance.sweep import sweep
from tests.support.example_bodies import example
from tests.support.service import ROOT, Service

POST_AND_DIE = """
import importlib, os, signal, sys
from pathlib import Path
from api.settings import Settings
from tests.support import api_server
from tests.support.example_bodies import example

module, name = importlib.import_module(sys.argv[2]), sys.argv[3]
call = getattr(module, name)

def call_and_die(*arguments, **named):
    call(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(module, name, call_and_die)
server = api_server.Server(Path(sys.argv[1]), Settings())
server.client.post("/v1/jobs", json=example("all_in_one")["job"])
"""
"""Posts a job that brings its data, and kills its process right after one of the writes."""


def test_the_first_example_trains_as_given(service: Service) -> None:
    job = service.trained(**example("all_in_one")["job"])
    assert job["metrics"]["val_accuracy"] > 0.8
    dataset = service.client.get(f"/v1/datasets/{job['request']['dataset']}").json()
    assert dataset["rows"] == 60
    assert (
        service.client.get("/openapi.json").json()["paths"]["/v1/jobs"]["post"]["requestBody"][
            "content"
        ]["application/json"]["examples"]["all_in_one"]["value"]
        == example("all_in_one")["job"]
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("application.submission.job_data", "publish"),
        ("models_store.records.datasets", "insert"),
        ("models_store.jobs.jobs", "insert"),
    ],
)
def test_a_process_that_dies_between_the_writes_leaves_nothing(
    tmp_path: Path, module: str, name: str
) -> None:
    command = [sys.executable, "-c", POST_AND_DIE, str(tmp_path), module, name]
    process = subprocess.run(command, cwd=ROOT, timeout=200, check=False)
    assert process.returncode == -signal.SIGKILL
    service = Service(tmp_path)
    try:
        for kind in ("datasets", "jobs"):
            assert service.client.get(f"/v1/{kind}").json()["items"] == []
        with service.database() as database:
            sweep(database, service.store(), grace_seconds=0)
        assert list(service.store().files("datasets")) == []
        assert service.scratch() == []
        service.trained(**example("all_in_one")["job"])
    finally:
        service.stop()
