"""The modules that the API imports, and the endpoints about the service itself."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from api.server import run
from tests.api.requests import faults

ROOT = Path(__file__).parents[2]
UNKNOWN = "0" * 26


@pytest.mark.slow
def test_the_api_loads_neither_keras_nor_tensorflow() -> None:
    code = "import sys, api.app; print({name.split('.')[0] for name in sys.modules})"
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    loaded = eval(process.stdout)
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
    assert client.get("/readyz").json() == {"status": "ok", "away": []}


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


def test_a_service_without_keys_rejects_other_hosts_than_loopback() -> None:
    with pytest.raises(
        SystemExit, match=r"loopback hosts only, not on 0\.0\.0\.0; set GRAPHFIT_AUTH=keys"
    ):
        run("0.0.0.0", 0)


@pytest.mark.parametrize(
    "host", ["evil.com@127.0.0.1", "localhost/.evil.com", "localhost:99999999", "localhost#.x"]
)
def test_a_host_that_resembles_loopback_is_rejected(client: httpx.Client, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 421


def test_a_list_rejects_too_many_filters(client: httpx.Client) -> None:
    query = "&".join(f"metadata.k{i}=1" for i in range(1_000))
    answer = client.get(f"/v1/jobs?{query}")
    assert answer.status_code == 422, answer.text


def test_a_dataset_that_is_one_huge_number_is_rejected(client: httpx.Client) -> None:
    answer = client.post(
        "/v1/datasets", content=b"1" * 4_400, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 422), answer.text


def test_an_unknown_query_parameter_is_rejected(client: httpx.Client) -> None:
    answer = client.get("/v1/jobs?stat=queued")
    assert answer.status_code == 422, answer.text
    assert "Did you mean 'state'?" in answer.text
    assert client.get("/v1/jobs?metadata.stat=queued&state=queued").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/graphs", "GET, HEAD, POST"),
        ("PATCH", f"/v1/jobs/job_{UNKNOWN}", "DELETE, GET, HEAD"),
        ("GET", f"/v1/models/model_{UNKNOWN}:predict", "POST"),
        ("GET", f"/v1/models/model_{UNKNOWN}:predict?classes=true", "POST"),
        ("HEAD", f"/v1/models/model_{UNKNOWN}:predict", "POST"),
        ("DELETE", f"/v1/models/model_{UNKNOWN}:predict", "POST"),
        ("PUT", f"/v1/models/model_{UNKNOWN}:predict", "POST"),
    ],
)
def test_405_names_every_method_of_the_path(
    client: httpx.Client, method: str, path: str, allowed: str
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    "path", ["jobs/job_", "graphs/graph_", "datasets/dataset_", "models/model_"]
)
def test_a_resource_without_a_strong_etag_is_not_deleted_under_a_condition(
    client: httpx.Client, path: str
) -> None:
    address = f"/v1/{path}{'0' * 26}"
    for condition in ('"1"', 'W/"1"'):
        faults(client.delete(address, headers={"If-Match": condition}), 412)
    faults(client.delete(address, headers={"If-Match": "*"}), 404)


@pytest.mark.parametrize(
    "path",
    [
        "graphs",
        "datasets",
        "jobs",
        f"jobs/job_{'0' * 26}/cancel",
        f"models/model_{'0' * 26}:predict",
    ],
)
def test_nothing_is_posted_under_a_condition_that_no_resource_meets(
    client: httpx.Client, path: str
) -> None:
    faults(client.post(f"/v1/{path}", json={}, headers={"If-Match": '"1"'}), 412)
    answer = client.post(f"/v1/{path}", json={}, headers={"If-Match": "*"})
    assert answer.status_code in (404, 422), answer.text
