"""`/v1/models`: reads, downloads and deletes models."""

import hashlib
from typing import Any

import httpx
import pytest

from tests.api.requests import faults, graph, made
from tests.support.api_server import Server
from tests.support.service import until


def without_date(answer: httpx.Response) -> dict[str, str]:
    """Returns the headers of a response but for its time."""
    return {name: value for name, value in answer.headers.items() if name != "date"}


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
        "classes": {},
        "missing": {},
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
    unknown = part("items=0-1")
    assert (unknown.status_code, unknown.content) == (200, content)
    faults(part("bytes=2-1"), 400)
    faults(part("bytes"), 400)


def test_a_head_request_for_a_file_ignores_its_range(server: Server, model: dict[str, Any]) -> None:
    address = f"/v1/models/{model['id']}/files/model.keras"
    whole = server.client.get(address)
    head = server.client.head(address, headers={"Range": "bytes=0-9"})
    assert (head.status_code, head.content) == (200, b"")
    assert without_date(head) == without_date(whole)
    assert server.client.head(address, headers={"Range": "bytes=2-1"}).status_code == 200


def test_a_download_with_a_condition(server: Server, model: dict[str, Any]) -> None:
    address = f"/v1/models/{model['id']}/files/model.keras"
    tag = server.client.get(address).headers["etag"]

    def status(**headers: str) -> int:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return server.client.get(address, headers=sent).status_code

    assert status(If_Match=tag) == 200
    assert status(If_Match=f'"other", {tag}') == 200
    assert status(If_Match="*") == 200
    assert status(If_Match=tag, Range="bytes=0-9") == 206
    assert status(If_Match=tag, If_None_Match=tag) == 304
    assert status(If_Match='"other"') == 412
    assert status(If_Match=f"W/{tag}") == 412
    assert status(If_Match='"other"', If_None_Match=tag) == 412
    assert status(If_Unmodified_Since="Thu, 01 Jan 1970 00:00:00 GMT") == 200
    answer = server.client.get(address, headers={"If-Match": '"other"'})
    faults(answer, 412)
    assert tag in answer.json()["detail"]
    assert server.client.head(address, headers={"If-Match": '"other"'}).status_code == 412


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
