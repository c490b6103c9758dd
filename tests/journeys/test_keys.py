"""API keys from their creation to their revocation, through real processes."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import numpy as np
import pytest

from api.access.key_cache import FRESH_SECONDS
from tests.support.engines import Engine
from tests.support.servers.redis_server import free_port
from tests.support.service import ROOT, Service, until

pytestmark = pytest.mark.slow

X = np.random.default_rng(4).random((64, 2)).round(4)
Y = X.sum(axis=1).round(4)
JOB = {
    "graph": {
        "inputs": [{"name": "x", "shape": [2]}],
        "nodes": [{"name": "y", "layer": {"type": "Dense", "config": {"units": 1}}, "inputs": "x"}],
        "outputs": ["y"],
    },
    "compile": {"loss": "mse"},
    "fit": {"epochs": 2},
    "seed": 7,
}


class Made(NamedTuple):
    """The output of `graphfit keys create`."""

    key_id: str
    headers: dict[str, str]


@pytest.fixture(scope="module")
def guarded(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that requires API keys."""
    service = engine.service(tmp_path_factory.mktemp("guarded"), AUTH="keys")
    yield service
    service.stop()


def graphfit(environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs one command to its end."""
    command = [sys.executable, "-m", "cli.main", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def key(service: Service, owner: str) -> Made:
    done = graphfit(service.environment, "keys", "create", "--owner", owner)
    assert done.returncode == 0, done.stderr
    return Made(done.stderr.split()[0], {"Authorization": f"Bearer {done.stdout.strip()}"})


def test_a_key_grants_its_owners_resources_until_it_is_revoked(guarded: Service) -> None:
    ada, bob = key(guarded, "ada"), key(guarded, "bob")
    assert guarded.client.get("/v1/jobs").status_code == 401
    guarded.client.headers.update(ada.headers)
    dataset = guarded.dataset({"x": X, "y": Y})
    job = guarded.trained(dataset=dataset, **JOB)
    model, rows = f"/v1/models/{job['model']}", {"instances": X[:2].tolist()}
    predict = f"{model}:predict"

    def quick() -> bool | None:
        answer = guarded.client.post(predict, json=rows)
        return answer.elapsed.total_seconds() < 0.1 or None

    until(quick, "a loaded model")
    for who, status in ((ada.headers, 200), (bob.headers, 404), ({"Authorization": ""}, 401)):
        answers = [
            guarded.client.post(predict, json=rows, headers=who),
            *(
                guarded.client.get(path, headers=who)
                for path in (
                    f"/v1/jobs/{job['id']}",
                    f"/v1/jobs/{job['id']}/events",
                    f"{model}/files/model.safetensors",
                    f"/v1/datasets/{dataset}/rows",
                )
            ),
        ]
        assert [answer.status_code for answer in answers] == [status] * 5
        if status != 200:
            assert answers[0].json()["error"] == answers[0].json()["detail"]

    second = key(guarded, "ada")
    done = graphfit(guarded.environment, "keys", "revoke", ada.key_id)
    assert done.returncode == 0, done.stderr
    revoked_at = sent_at = time.monotonic()
    while (answer := guarded.client.get(model)).status_code == 200:
        assert sent_at - revoked_at < FRESH_SECONDS  # however long the answer took
        sent_at = time.monotonic()
    assert answer.status_code == 401
    assert guarded.client.get(model, headers=second.headers).status_code == 200


def test_the_example_client_sends_a_key(guarded: Service) -> None:
    command = [sys.executable, "examples/client.py", guarded.address]
    secret = key(guarded, "carol").headers["Authorization"].removeprefix("Bearer ")
    environment = {**os.environ, "GRAPHFIT_KEY": secret}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "predictions:" in done.stdout


def test_a_service_without_keys_listens_on_loopback_only(tmp_path: Path) -> None:
    environment = {**os.environ, "GRAPHFIT_AUTH": "none", "GRAPHFIT_DATA": str(tmp_path)}
    assert graphfit(environment, "migrate").returncode == 0
    for command in ("serve", "api"):
        done = graphfit(environment, command, "--host", "0.0.0.0", "--port", "0")
        assert done.returncode == 1
        (line,) = (done.stdout + done.stderr).splitlines()
        assert line == (
            "graphfit: without API keys the service listens on loopback hosts only, "
            "not on 0.0.0.0; set GRAPHFIT_AUTH=keys"
        )


def test_a_service_with_keys_listens_on_any_host(guarded: Service) -> None:
    """Uses another loopback address, so that no other machine can connect."""
    ada = key(guarded, "ada")
    port = free_port()
    command = [sys.executable, "-m", "cli.main", "api", "--host", "127.0.0.2"]
    process = subprocess.Popen([*command, "--port", str(port)], cwd=ROOT, env=guarded.environment)

    def answered() -> httpx.Response | None:
        try:
            return httpx.get(f"http://127.0.0.2:{port}/v1/info", headers=ada.headers)
        except httpx.TransportError:
            return None

    try:
        assert until(answered, "the API").status_code == 200
    finally:
        process.terminate()
        process.wait(60)
