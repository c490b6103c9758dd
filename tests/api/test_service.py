"""The service itself: what it loads, what it tells of itself."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from api.serve import run
from api.settings import Settings

ROOT = Path(__file__).parents[2]


def test_the_api_loads_neither_keras_nor_tensorflow() -> None:
    code = "import sys, api.app; print({name.split('.')[0] for name in sys.modules})"
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    loaded = eval(told.stdout)
    assert {"api", "fastapi"} <= loaded
    assert not loaded & {"keras", "tensorflow", "compiler", "worker"}


def test_info(client: httpx.Client) -> None:
    info = client.get("/v1/info").json()
    assert info["limits"]["max_json_bytes"] == 1_000_000
    assert info["limits"]["max_graph_depth"] == 32
    assert info["versions"]["keras"].startswith("3.")
    assert info["engines"] == {
        "database": "sqlite",
        "broker": "filesystem",
        "artifacts": "file",
        "predictions": "onnxruntime",
    }


def test_health(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok"}


def test_metrics_count_by_route_not_by_path(client: httpx.Client) -> None:
    client.get(f"/v1/graphs/graph_{'0' * 26}")
    text = client.get("/metrics").text
    assert 'graphfit_http_requests_total{method="GET",route="/v1/graphs/{id}",status="404"}' in text
    assert 'graphfit_jobs{state="queued"}' in text
    assert "0000000000" not in text


def test_the_documentation_loads_nothing_from_outside(client: httpx.Client) -> None:
    for page in ("/docs", "/redoc"):
        text = client.get(page).text
        assert "http://" not in text
        assert "https://" not in text
        for word in text.split('"'):
            if word.startswith("/docs/files/"):
                assert client.get(word).status_code == 200
    assert client.get("/openapi.json").json()["info"]["title"] == "Graphfit"


def test_keys_are_refused_at_start_while_there_are_none() -> None:
    with pytest.raises(ValueError, match="API keys are not part of this version"):
        Settings(auth="keys")


def test_without_keys_only_loopback_is_listened_on() -> None:
    with pytest.raises(SystemExit, match=r"loopback only, not on 0\.0\.0\.0"):
        run("0.0.0.0", 0)
