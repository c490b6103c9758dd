"""`/v1/models`: reads, downloads and deletes models."""

import hashlib
from typing import Any

import httpx
import pytest

from tests.api.requests import faults, graph, made
from tests.support.api_server import Server
from tests.support.service import until


def built(server: Server, definition: Any, **extra: Any) -> dict[str, Any]:
    """Runs a `build` job, and returns its model."""
    sent = {"kind": "build", "graph": definition, "seed": 7, **extra}
    job = made(server.client.post("/v1/jobs", json=sent), 202)

    def ended() -> dict[str, Any] | None:
        current: dict[str, Any] = server.client.get(f"/v1/jobs/{job['id']}").json()
        return current if current["is_terminal"] else None

    finished = until(ended, "the job")
    assert finished["state"] == "succeeded", finished["error"]
    return made(server.client.get(f"/v1/models/{finished['model']}"), 200)


@pytest.fixture(scope="module")
def model(server: Server, worker: None) -> dict[str, Any]:
    return built(server, graph(), name="small")


def test_a_model_has_its_inputs_and_outputs(server: Server, model: dict[str, Any]) -> None:
    assert model["name"] == "small"
    assert model["signature"] == {
        "inputs": [{"name": "x", "shape": [None, 4], "dtype": "float32"}],
        "outputs": [{"name": "y", "shape": [None, 3], "dtype": "float32"}],
    }
    assert model["parameters"]["total"] == 15
    assert server.client.get("/v1/models").json()["items"][0] == model


def test_the_etag_of_a_file_is_its_hash(server: Server, model: dict[str, Any]) -> None:
    assert {"model.safetensors", "model.keras"} <= {file["name"] for file in model["files"]}
    for file in model["files"]:
        address = f"/v1/models/{model['id']}/files/{file['name']}"
        answer = server.client.get(address)
        assert hashlib.sha256(answer.content).hexdigest() == file["sha256"]
        assert answer.headers["etag"] == f'"{file["sha256"]}"'
        assert answer.headers["content-type"].startswith(file["media_type"])
        assert file["name"] in answer.headers["content-disposition"]
        head = server.client.head(address)
        assert head.headers["content-length"] == str(file["bytes"])
        assert head.content == b""
        tag = {"If-None-Match": answer.headers["etag"]}
        assert server.client.get(address, headers=tag).status_code == 304


def test_an_interrupted_download_can_be_resumed(server: Server, model: dict[str, Any]) -> None:
    address = f"/v1/models/{model['id']}/files/model.keras"
    whole = server.client.get(address)
    tag, content = whole.headers["etag"], whole.content

    def part(wanted: str, if_range: str | None = None) -> httpx.Response:
        condition = {} if if_range is None else {"If-Range": if_range}
        return server.client.get(address, headers={"Range": wanted, **condition})

    first = part("bytes=0-99")
    assert (first.status_code, first.content) == (206, content[:100])
    assert first.headers["content-range"] == f"bytes 0-99/{len(content)}"
    assert part("bytes=100-", tag).content == content[100:]
    assert part("bytes=-10").content == content[-10:]
    assert (part("bytes=100-", '"other"').status_code, part("bytes=0-", tag).status_code) == (
        200,
        206,
    )
    beyond = part(f"bytes={len(content)}-")
    faults(beyond, 416)
    assert beyond.headers["content-range"] == f"bytes */{len(content)}"
    faults(part("lines=1-2"), 400)


def test_a_missing_file_is_a_404(server: Server, model: dict[str, Any]) -> None:
    for name in ("other.txt", "..%2F..%2Fgraphfit.sqlite", "%2Fetc%2Fpasswd", "a" * 65):
        faults(server.client.get(f"/v1/models/{model['id']}/files/{name}"), 404)


def test_the_files_of_a_deleted_model_are_deleted(server: Server, worker: None) -> None:
    model = built(server, graph())
    address = f"/v1/models/{model['id']}"
    folders = server.data / "artifacts" / "jobs" / model["job"]
    assert len(list(folders.rglob("model.*"))) == 3
    assert server.client.delete(address).status_code == 204
    assert not list(folders.rglob("model.*"))
    for gone in (address, f"{address}/files/model.keras"):
        faults(server.client.get(gone), 404)
    faults(server.client.post(f"{address}:predict", json={"instances": [[0, 0, 0, 0]]}), 404)


def test_a_model_in_use_cannot_be_deleted(server: Server, model: dict[str, Any]) -> None:
    assert model["graph"] is None
    layer = {"type": "Model", "model": model["id"]}
    again = built(server, graph(layer))
    assert again["parameters"] == model["parameters"]
    onward = {"kind": "build", "model": again["id"]}
    job = made(server.client.post("/v1/jobs", json=onward), 202)
    until(lambda: server.client.get(f"/v1/jobs/{job['id']}").json()["model"], "its model")
