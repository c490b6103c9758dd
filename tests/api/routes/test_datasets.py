"""`/v1/datasets` over a real socket."""

import gzip
import io
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
import uvicorn
from fastapi import FastAPI

from api.access.loopback import LoopbackGuard
from api.http.bodies.uploads import MOST_UPLOADS
from api.http.turns import Turns
from api.middleware.body_limit import BodyLimit
from api.problems.handlers import add_handlers
from api.routes import datasets
from api.settings import Settings
from models_store.database.engine import Database
from models_store.database.migrate import migrate
from models_store.datasets.formats.registry import FORMATS
from models_store.files import local
from models_store.files.local import LocalArtifacts
from models_store.records.uses import insert_uses
from tests.support.queued_jobs import queue
from tests.support.service import until

LIMIT = 400 << 20
NPZ = {"Content-Type": "application/x-npz"}
JSON = {"Content-Type": "application/json"}


SENDER = """
import http.client, sys
from pathlib import Path
archive = Path(sys.argv[3])
connection = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout=120)
headers = {"Content-Type": "application/x-npz", "Content-Length": str(archive.stat().st_size)}
with archive.open("rb") as body:
    connection.request("POST", "/v1/datasets", body, headers)
print(connection.getresponse().status)
"""


class Server:
    """The datasets' endpoints with a database and a store, served by uvicorn in a thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "artifacts"
        self.database = Database(f"sqlite:///{folder / 'graphfit.sqlite'}")
        migrate(self.database)
        settings = Settings(max_upload_bytes=LIMIT)
        app = FastAPI()
        app.state.services = SimpleNamespace(
            settings=settings,
            database=self.database,
            artifacts=LocalArtifacts(self.folder),
            upload_turns=Turns(MOST_UPLOADS, settings.check_wait_seconds, "uploads"),
        )
        app.include_router(datasets.router)
        add_handlers(app)
        app.add_middleware(BodyLimit, settings=settings, routes=datasets.router.routes)
        app.add_middleware(LoopbackGuard)
        self._uvicorn = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
        self._thread = threading.Thread(target=self._uvicorn.run)
        self._thread.start()
        self.address = until(self._address, "the server")
        self.client = httpx.Client(base_url="http://{}:{}".format(*self.address), timeout=60)

    def _address(self) -> tuple[str, int] | None:
        if not self._uvicorn.started:
            return None
        host, port = self._uvicorn.servers[0].sockets[0].getsockname()[:2]
        return str(host), int(port)

    def stop(self) -> None:
        self.client.close()
        self._uvicorn.should_exit = True
        self._thread.join()
        self.database.close()

    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def client(server: Server) -> httpx.Client:
    return server.client


def npz(**columns: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **columns)
    return file.getvalue()


def created(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def pointers(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [error["pointer"] for error in answer.json()["errors"]]


def test_json_from_post_to_delete(client: httpx.Client, server: Server) -> None:
    sent = {"name": "two", "columns": {"x": [[0.5, 1], [2, 3]], "y": [0, 1]}}
    answer = client.post("/v1/datasets", json=sent)
    body = created(answer)
    assert answer.headers["location"] == f"/v1/datasets/{body['id']}"
    assert (body["name"], body["rows"], body["bytes"]) == ("two", 2, 48)
    expected = {
        "name": "x", "dtype": "float64", "shape": [2], "min": 0.5, "max": 3.0, "not_finite": 0,
        "mean": 1.625, "missing": 0, "distinct": None, "classes": None,
    }  # fmt: skip
    assert {key: body["columns"][0][key] for key in expected} == expected
    assert client.get(answer.headers["location"]).json() == body
    assert client.get("/v1/datasets").json() == {"items": [body], "next_cursor": None}
    rows = client.get(f"/v1/datasets/{body['id']}/rows").json()
    assert rows == {"start": 0, "count": 2, "columns": {"x": [[0.5, 1.0], [2.0, 3.0]], "y": [0, 1]}}
    assert client.delete(answer.headers["location"]).status_code == 204
    assert client.get(answer.headers["location"]).status_code == 404
    assert client.get(f"/v1/datasets/{body['id']}/rows").status_code == 404
    assert server.files() == []


def test_npz_with_a_name(client: httpx.Client) -> None:
    raw = npz(x=np.array([[1, np.nan], [np.inf, 2]], ">f4"))
    body = created(client.post("/v1/datasets", params={"name": "n"}, content=raw, headers=NPZ))
    assert (body["name"], body["columns"][0]["dtype"]) == ("n", "float32")
    rows = client.get(f"/v1/datasets/{body['id']}/rows", params={"start": 1, "count": 5}).json()
    assert rows["columns"] == {"x": [[None, 2.0]]}
    assert rows["non_finite"] == {"/columns/x/0/0": "Infinity"}


@pytest.mark.slow
@pytest.mark.parametrize("as_json", [True, False])
def test_pictures_of_more_than_a_million_values(client: httpx.Client, as_json: bool) -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (2, 640, 640, 3)).astype("uint8")
    if as_json:
        content = json.dumps({"columns": {"x": pictures.tolist()}}).encode()
        body = created(client.post("/v1/datasets", content=content, headers=JSON))
    else:
        body = created(client.post("/v1/datasets", content=npz(x=pictures), headers=NPZ))
    rows = client.get(f"/v1/datasets/{body['id']}/rows", params={"start": 1, "count": 9}).json()
    assert (rows["start"], rows["count"]) == (1, 1)
    assert np.array_equal(np.array(rows["columns"]["x"]), pictures[1:])


def test_a_row_that_is_too_long_as_json_is_stored_and_not_read(client: httpx.Client) -> None:
    body = created(
        client.post("/v1/datasets", content=npz(x=np.zeros((1, 2_000_001), "u1")), headers=NPZ)
    )
    refused = client.get(f"/v1/datasets/{body['id']}/rows")
    assert refused.status_code == 422
    assert "more than 2,000,000 values" in refused.json()["errors"][0]["detail"]


def test_pages(client: httpx.Client) -> None:
    ids = [
        created(client.post("/v1/datasets", json={"columns": {"x": [i]}}))["id"] for i in range(3)
    ]
    first = client.get("/v1/datasets", params={"page_size": 2}).json()
    assert [item["id"] for item in first["items"]] == ids[:0:-1]
    second = client.get("/v1/datasets", params={"cursor": first["next_cursor"]}).json()
    assert [item["id"] for item in second["items"]] == ids[:1]


def test_a_page_links_to_the_next_one(client: httpx.Client) -> None:
    ids = [
        created(client.post("/v1/datasets", json={"columns": {"x": [i]}}))["id"] for i in range(5)
    ]
    answer = client.get("/v1/datasets", params={"page_size": 2})
    found = [item["id"] for item in answer.json()["items"]]
    while "next" in answer.links:
        answer = client.get(answer.links["next"]["url"])
        found += [item["id"] for item in answer.json()["items"]]
    assert found == ids[::-1]
    assert "link" not in answer.headers


def test_a_dataset_in_use_cannot_be_deleted(client: httpx.Client, server: Server) -> None:
    dataset = created(client.post("/v1/datasets", json={"columns": {"x": [1]}}))["id"]
    with server.database.write() as connection:
        job = queue(connection)
        insert_uses(connection, "local", job, [dataset])
    refused = client.delete(f"/v1/datasets/{dataset}")
    assert refused.status_code == 409
    assert job in refused.json()["detail"]
    assert client.get(f"/v1/datasets/{dataset}/rows").json()["columns"] == {"x": [1]}


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "", None])
def test_other_formats_are_rejected(client: httpx.Client, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = client.post("/v1/datasets", content=b"x,y\n1,2\n", headers=headers)
    assert answer.status_code == 415
    assert all(media_type in answer.json()["detail"] for media_type in FORMATS)


@pytest.mark.parametrize("headers", [JSON, NPZ])
def test_a_compressed_upload_is_refused_by_the_name_of_its_header(
    client: httpx.Client, headers: dict[str, str]
) -> None:
    body = gzip.compress(b'{"columns": {"x": [1]}}')
    answer = client.post(
        "/v1/datasets", content=body, headers={**headers, "Content-Encoding": "gzip"}
    )
    assert answer.status_code == 415
    assert "Content-Encoding: gzip" in answer.json()["detail"]
    assert answer.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "body",
    [
        '{"columns": {"\\udc00": [1]}}',
        '{"columns": {"\\ud800": [1]}}',
        '{"columns": {"x": [1]}, "name": "\\udc00"}',
        '{"columns": {"x": [1]}, "dtypes": {"\\udc00": "int8"}}',
        '{"columns": {"x": [1]}, "dtypes": {"x": "\\udfff"}}',
        '{"columns": {"x": [1]}, "\\ud800": 1}',
        '{"columns": {"x": [1, "\\ud800"]}}',
        '{"columns": {"x": [1]}, "more": ["\\ud800\\ud800"]}',
    ],
)
def test_half_a_character_in_a_dataset_is_refused_with_its_place(
    client: httpx.Client, body: str
) -> None:
    answer = client.post("/v1/datasets", content=body, headers=JSON)
    assert answer.status_code == 400, answer.text
    column = body.index("\\u") + 1
    assert f"near line 1, column {column}: half a character" in answer.json()["detail"]


def test_whole_characters_are_kept(client: httpx.Client) -> None:
    body = '{"columns": {"\\ud83d\\ude00 \\\\ud800": [1]}}'
    answer = created(client.post("/v1/datasets", content=body, headers=JSON))
    assert answer["columns"][0]["name"] == "\N{GRINNING FACE} \\ud800"


@pytest.mark.slow
def test_the_files_of_many_columns_are_synced_together(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2,000 columns took 6 s when each was synced to the disk by itself."""
    together: list[Sequence[Path]] = []
    monkeypatch.setattr(local, "sync_all", together.append)
    columns = {f"c{index}": np.full(10, index) for index in range(2000)}
    answer = client.post("/v1/datasets", content=npz(**columns), headers=NPZ)
    assert [column["min"] for column in created(answer)["columns"]] == list(range(2000))
    files, folders = together
    assert 0 < len(files) < 10, "small columns share files"
    assert 0 < len(folders) < 10


@pytest.mark.slow
def test_a_burst_of_uploads_succeeds(server: Server) -> None:
    """64 clients upload at once; 16 uploads are read at the same time, the others wait."""

    address = "http://{}:{}".format(*server.address)

    def upload(number: int) -> int:
        body = {"columns": {"x": [number, 2]}}
        return httpx.post(f"{address}/v1/datasets", json=body, timeout=60).status_code

    with ThreadPoolExecutor(64) as clients:
        assert list(clients.map(upload, range(64))) == [201] * 64


def test_slow_clients_of_small_bodies_delay_no_other_upload(server: Server) -> None:
    head = (
        "POST /v1/datasets HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
        "Content-Type: application/x-npz\r\n\r\nPK"
    )
    with ExitStack() as stack:
        for _ in range(2 * MOST_UPLOADS):
            slow = socket.create_connection(server.address, timeout=30)
            stack.enter_context(slow).sendall(head.encode())
        created(server.client.post("/v1/datasets", json={"columns": {"x": [1]}}))


def test_media_types_may_have_parameters(client: httpx.Client) -> None:
    headers = {"Content-Type": 'Application/JSON; charset="utf-8"'}
    created(client.post("/v1/datasets", content=b'{"columns": {"x": [1]}}', headers=headers))


def test_a_rejected_upload_stores_nothing(client: httpx.Client, server: Server) -> None:
    ragged = {"columns": {"x": [[1, 2], [3]], "y": [1]}}
    assert pointers(client.post("/v1/datasets", json=ragged)) == ["/columns/x/1", "/columns/y"]
    objects = npz(x=np.array([None, {}]))
    assert pointers(client.post("/v1/datasets", content=objects, headers=NPZ)) == ["/columns/x"]
    broken = client.post("/v1/datasets", content=b'{"columns": {"x": [1, 2', headers=JSON)
    assert (broken.status_code, broken.json()["type"]) == (400, "/problems/not-json")
    assert server.files() == []
    assert client.get("/v1/datasets").json()["items"] == []


@pytest.mark.parametrize("query", [{"start": -1}, {"count": 0}, {"count": 10**6}, {"start": "a"}])
def test_invalid_parameters_of_rows_are_rejected(
    client: httpx.Client, query: dict[str, Any]
) -> None:
    dataset = created(client.post("/v1/datasets", json={"columns": {"x": [1]}}))["id"]
    assert client.get(f"/v1/datasets/{dataset}/rows", params=query).status_code == 422


def test_an_early_fault_ends_a_long_upload(client: httpx.Client, server: Server) -> None:
    def body() -> Iterator[bytes]:
        yield b'{"columns": {"x": [1 2, '
        for _ in range(64):
            yield b"1, " * 350_000

    answer = client.post("/v1/datasets", content=body(), headers=JSON)
    assert answer.status_code == 400
    assert server.files() == []


class TestLimits:
    def test_a_content_length_over_the_limit_is_rejected_unread(self, server: Server) -> None:
        head = (
            f"POST /v1/datasets HTTP/1.1\r\nHost: localhost\r\nContent-Length: {LIMIT + 1}\r\n\r\n"
        )
        with socket.create_connection(server.address, timeout=30) as connection:
            connection.sendall(head.encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 413 ")

    def test_a_chunked_body_is_rejected_when_it_passes_the_limit(self, server: Server) -> None:
        head = (
            "POST /v1/datasets HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            "Content-Type: application/x-npz\r\n\r\n"
        )
        chunk = b"%x\r\n" % (1 << 20) + bytes(1 << 20) + b"\r\n"
        with socket.create_connection(server.address, timeout=30) as connection:
            connection.sendall(head.encode())
            for _ in range((LIMIT >> 20) + 1):
                connection.sendall(chunk)
            assert connection.recv(100).startswith(b"HTTP/1.1 413 ")
        until(lambda: None if server.files() else True, "the scratch folder to go")

    def test_an_upload_whose_client_disconnects_stores_nothing(self, server: Server) -> None:
        head = (
            "POST /v1/datasets HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n"
            "Content-Type: application/x-npz\r\n\r\n"
        )
        with socket.create_connection(server.address, timeout=30) as connection:
            connection.sendall(head.encode() + bytes(5_000_000))
            until(lambda: server.files() or None, "the upload to begin")
        until(lambda: None if server.files() else True, "the scratch folder to go")
        assert server.client.get("/v1/datasets").json()["items"] == []


class TestIdempotency:
    def test_a_repeated_upload_gets_the_first_response(
        self, client: httpx.Client, server: Server
    ) -> None:
        headers = {**NPZ, "Idempotency-Key": "one"}
        raw = npz(x=np.arange(5))
        first = client.post("/v1/datasets", content=raw, headers=headers)
        again = client.post("/v1/datasets", content=raw, headers=headers)
        assert created(again) == created(first)
        assert again.headers["location"] == first.headers["location"]
        assert len(server.files()) == 1

    def test_another_body_with_the_same_key_is_rejected(self, client: httpx.Client) -> None:
        headers = {**NPZ, "Idempotency-Key": "one"}
        created(client.post("/v1/datasets", content=npz(x=np.arange(5)), headers=headers))
        other = client.post("/v1/datasets", content=npz(x=np.arange(6)), headers=headers)
        assert other.status_code == 422
        assert "Idempotency-Key" in other.json()["detail"]

    def test_a_rejected_upload_frees_its_key(self, client: httpx.Client) -> None:
        headers = {**JSON, "Idempotency-Key": "one"}
        refused = client.post("/v1/datasets", content=b'{"columns": {}}', headers=headers)
        assert refused.status_code == 422
        body = json.dumps({"columns": {"x": [1]}}).encode()
        created(client.post("/v1/datasets", content=body, headers=headers))


@pytest.mark.slow
def test_a_large_upload_streams(server: Server, tmp_path: Path) -> None:
    """This process is the server: its own memory grows by a few blocks, not by the body."""
    archive = tmp_path / "large.npz"
    np.savez(archive, x=np.zeros(LIMIT // 8 - 1000))
    command = [sys.executable, "-c", SENDER, *map(str, server.address), str(archive)]
    process = psutil.Process()
    server.client.post("/v1/datasets", content=npz(x=np.zeros(4 << 20)), headers=NPZ)
    peak = before = process.memory_info().rss
    with subprocess.Popen(command, stdout=subprocess.PIPE) as sender:
        while sender.poll() is None:
            peak = max(peak, process.memory_info().rss)
        assert sender.stdout is not None
        assert sender.stdout.read() == b"201\n"
    assert peak - before < 8 << 20


def test_a_file_of_a_dataset_that_is_deleted_meanwhile_is_never_short(
    client: httpx.Client, server: Server
) -> None:
    array = np.zeros((64, 1 << 20), np.uint8)
    body = created(client.post("/v1/datasets", content=npz(x=array), headers=NPZ))
    path = f"/v1/datasets/{body['id']}"
    with client.stream("GET", f"{path}/file?format=safetensors") as answer:
        assert answer.status_code == 200
        assert httpx.delete(f"{client.base_url}{path}").status_code == 204
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            answer.read()
    assert client.get(f"{path}/file?format=safetensors").status_code == 404
