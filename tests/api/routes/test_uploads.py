"""`/v1/uploads` by the rules of tus 1.0.0, over a real socket, on a folder and on a bucket."""

import base64
import hashlib
import io
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, update
from tusclient.client import TusClient

from domain.errors import Conflict
from models_store.database.paging import PageRequest
from models_store.database.tables import uploads as table
from models_store.files.store import ArtifactStore
from models_store.records import uploads
from models_store.records.uses import insert_uses
from models_store.uploads import part_files
from tests.api.requests import faults, made
from tests.api.routes.upload_server import UploadServer
from tests.support.queued_jobs import queue
from tests.support.service import until
from tests.support.stores import store_of

LIMIT = 50_000_000
TUS = {"Tus-Resumable": "1.0.0"}
PART = {**TUS, "Content-Type": "application/offset+octet-stream"}
DATA = bytes(range(256)) * 40
BIG = DATA * 300


@pytest.fixture
def server(tmp_path: Path, store: ArtifactStore) -> Iterator[UploadServer]:
    running = UploadServer(tmp_path, store, LIMIT)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UploadServer]:
    """A server for tests that need no empty store."""
    folder = tmp_path_factory.mktemp("shared")
    running = UploadServer(folder, store_of(folder, {}), LIMIT)
    yield running
    running.stop()


def begin(server: UploadServer, length: int, **headers: str) -> str:
    """Begins an upload and returns its path."""
    given = {**TUS, "Upload-Length": str(length), **headers}
    answer = server.client.post("/v1/uploads", headers=given)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def append(
    server: UploadServer, path: str, offset: int, data: bytes, **headers: str
) -> httpx.Response:
    given = {**PART, "Upload-Offset": str(offset), **headers}
    return server.client.patch(path, content=data, headers=given)


def offset_of(server: UploadServer, path: str) -> int:
    answer = server.client.head(path, headers=TUS)
    assert answer.status_code == 200
    return int(answer.headers["upload-offset"])


def content(server: UploadServer, path: str) -> bytes:
    """The bytes of an upload as the store has them."""
    with server.database.read() as connection:
        parts = uploads.list_parts(connection, path.rpartition("/")[2])
    return b"".join(server.store.read(part.artifact, 0, part.bytes) for part in parts)


def encode(data: bytes, algorithm: str) -> str:
    return base64.b64encode(hashlib.new(algorithm, data).digest()).decode()


def test_a_file_is_sent_in_parts(server: UploadServer) -> None:
    metadata = "filename ZGF0YS5jc3Y=,filetype dGV4dC9jc3Y=,secret"
    path = begin(server, len(DATA), **{"Upload-Metadata": metadata})
    for start in range(0, len(DATA), 3_000):
        answer = append(server, path, start, DATA[start : start + 3_000])
        assert answer.status_code == 204
        assert answer.content == b""
        assert answer.headers["tus-resumable"] == "1.0.0"
        assert answer.headers["upload-offset"] == str(min(start + 3_000, len(DATA)))
        expires = parsedate_to_datetime(answer.headers["upload-expires"])
        assert timedelta(minutes=59) < expires - datetime.now(UTC) <= timedelta(minutes=60)
    assert content(server, path) == DATA
    head = server.client.head(path, headers=TUS)
    assert head.content == b""
    assert head.headers["upload-length"] == str(len(DATA))
    assert head.headers["upload-metadata"] == metadata
    assert head.headers["cache-control"] == "no-store"
    found = made(server.client.get(path), 200)
    assert found["metadata"] == {"filename": "data.csv", "filetype": "text/csv", "secret": ""}
    assert (found["offset"], found["length"]) == (len(DATA), len(DATA))
    assert made(server.client.get("/v1/uploads"), 200)["items"] == [found]


def test_the_first_part_may_come_with_the_request_that_begins(server: UploadServer) -> None:
    headers = {**PART, "Upload-Length": str(len(DATA))}
    answer = server.client.post("/v1/uploads", content=DATA[:10], headers=headers)
    path = answer.headers["location"]
    assert answer.headers["upload-offset"] == "10"
    assert append(server, path, 10, DATA[10:]).status_code == 204
    assert content(server, path) == DATA


def test_the_length_may_follow(shared: UploadServer) -> None:
    given = {**TUS, "Upload-Defer-Length": "1"}
    path = shared.client.post("/v1/uploads", headers=given).headers["location"]
    assert append(shared, path, 0, DATA[:10]).status_code == 204
    assert shared.client.head(path, headers=TUS).headers["upload-defer-length"] == "1"
    faults(append(shared, path, 10, DATA[10:], **{"Upload-Length": "9"}), 409)
    last = append(shared, path, 10, DATA[10:], **{"Upload-Length": str(len(DATA))})
    assert last.status_code == 204
    faults(append(shared, path, len(DATA), b"", **{"Upload-Length": "99999"}), 409)
    assert made(shared.client.get(path), 200)["length"] == len(DATA)


def test_an_empty_file_needs_no_part(shared: UploadServer) -> None:
    assert made(shared.client.get(begin(shared, 0)), 200)["offset"] == 0


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512", "md5"])
def test_a_checksum_is_compared(shared: UploadServer, algorithm: str) -> None:
    path = begin(shared, len(DATA))
    wrong = append(
        shared, path, 0, DATA, **{"Upload-Checksum": f"{algorithm} {encode(b'', algorithm)}"}
    )
    assert wrong.json()["type"] == "/problems/checksum-mismatch"
    assert wrong.status_code == 460
    assert (offset_of(shared, path), content(shared, path)) == (0, b"")
    right = {"Upload-Checksum": f"{algorithm} {encode(DATA, algorithm)}"}
    assert append(shared, path, 0, DATA, **right).status_code == 204


@pytest.mark.parametrize("header", ["Content-Digest", "Repr-Digest"])
@pytest.mark.parametrize("name", ["sha-256", "sha-512"])
def test_a_digest_is_compared(shared: UploadServer, header: str, name: str) -> None:
    path = begin(shared, len(DATA))
    algorithm = name.replace("-", "")
    wrong = append(shared, path, 0, DATA, **{header: f"{name}=:{encode(b'', algorithm)}:"})
    assert wrong.json()["type"] == "/problems/digest-mismatch"
    faults(wrong, 400)
    assert content(shared, path) == b""
    right = {header: f"unixsum=:AAA=:, {name}=:{encode(DATA, algorithm)}:"}
    assert append(shared, path, 0, DATA, **right).status_code == 204


@pytest.mark.parametrize("text", ["", "sha-256", "sha-256=abc", "sha-256=:a:", "md5=:AAAA:"])
def test_a_malformed_digest_is_refused(shared: UploadServer, text: str) -> None:
    path = begin(shared, len(DATA))
    faults(append(shared, path, 0, DATA, **{"Content-Digest": text}), 400)
    assert offset_of(shared, path) == 0


def test_the_digest_of_a_dataset_is_compared(server: UploadServer) -> None:
    body = b'{"columns": {"x": [1, 2]}}'
    digest = f"sha-256=:{encode(body, 'sha256')}:"
    headers = {"Content-Type": "application/json", "Content-Digest": digest}
    made(server.client.post("/v1/datasets", content=body, headers=headers))
    for changed in (body.replace(b"2", b"3"), body[:-4], b"\xff"):
        answer = server.client.post("/v1/datasets", content=changed, headers=headers)
        assert answer.json()["type"] == "/problems/digest-mismatch", changed
    assert len(made(server.client.get("/v1/datasets"), 200)["items"]) == 1
    assert len({file.folder for file in server.store.files("datasets")}) == 1


def test_a_broken_first_part_leaves_nothing(server: UploadServer) -> None:
    headers = {**PART, "Upload-Length": "3", "Upload-Checksum": f"sha1 {encode(b'', 'sha1')}"}
    answer = server.client.post("/v1/uploads", content=b"abc", headers=headers)
    assert answer.status_code == 460
    assert made(server.client.get("/v1/uploads"), 200)["items"] == []


@pytest.mark.parametrize("offset", [0, 9, 11, 10**17])
def test_a_wrong_offset_is_a_conflict(shared: UploadServer, offset: int) -> None:
    path = begin(shared, 20)
    append(shared, path, 0, DATA[:10])
    detail = append(shared, path, offset, b"1").json()["detail"]
    assert "begins at offset 10" in detail
    assert content(shared, path) == DATA[:10]


def test_of_two_equal_parts_at_once_one_is_stored(server: UploadServer) -> None:
    path = begin(server, 2 * len(DATA))
    start = threading.Barrier(6)

    def send(_: int) -> int:
        start.wait()
        return append(server, path, 0, DATA).status_code

    with ThreadPoolExecutor(6) as threads:
        statuses = sorted(threads.map(send, range(6)))
    assert statuses == [204, *[409] * 5]
    assert content(server, path) == DATA
    assert len(server.parts()) == 1


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_part_beyond_the_end_is_too_large(shared: UploadServer, is_chunked: bool) -> None:
    path = begin(shared, 20)
    body: Any = iter([DATA[:10], DATA[10:30]]) if is_chunked else DATA[:30]
    faults(append(shared, path, 0, body), 413)
    assert offset_of(shared, path) == 0


def test_a_part_ends_within_a_length_that_another_request_states(server: UploadServer) -> None:
    upload = server.uploads.create("owner", None, {})

    class Body:
        """A part that arrives while another request states the length of the file."""

        blocks = (DATA[:10], b"")

        def read(self, _: int) -> bytes:
            server.uploads.set_length("owner", upload.id, 5)
            block, self.blocks = self.blocks[0], (b"", b"")
            return block

    with pytest.raises(Conflict, match="has 5 bytes"):
        server.uploads.append("owner", upload.id, 0, Body(), LIMIT)
    assert server.uploads.get("owner", upload.id).offset == 0
    assert server.parts() == []
    assert server.uploads.append("owner", upload.id, 0, io.BytesIO(DATA[:5]), 5) == 5


def test_a_file_over_the_limit_is_refused_at_its_begin(shared: UploadServer) -> None:
    given = {**TUS, "Upload-Length": str(LIMIT + 1)}
    faults(shared.client.post("/v1/uploads", headers=given), 413)
    options = shared.client.options("/v1/uploads")
    assert options.status_code == 204
    assert options.headers["tus-max-size"] == str(LIMIT)
    assert options.headers["tus-version"] == "1.0.0"
    assert "checksum" in options.headers["tus-extension"].split(",")
    assert "sha1" in options.headers["tus-checksum-algorithm"].split(",")


def connect(
    server: UploadServer, path: str, sent: bytes, **headers: str
) -> "closing[socket.socket]":
    """Sends a part of `BIG` and leaves the connection open."""
    given = {**PART, "Upload-Offset": "0", "Content-Length": str(len(BIG)), **headers}
    lines = [f"PATCH {path} HTTP/1.1", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in given.items()]
    connection = socket.create_connection(server.address)
    connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + sent)
    return closing(connection)


def test_a_broken_connection_leaves_the_bytes_that_arrived(server: UploadServer) -> None:
    path = begin(server, len(BIG))
    with connect(server, path, BIG[:150_000]):
        pass
    stored = until(lambda: offset_of(server, path) or None, "the first bytes")
    assert content(server, path) == BIG[:stored]
    assert append(server, path, stored, BIG[stored:]).status_code == 204
    assert content(server, path) == BIG


def test_a_broken_connection_with_a_checksum_leaves_nothing(server: UploadServer) -> None:
    path = begin(server, len(BIG))
    with connect(server, path, BIG[:150_000], **{"Upload-Checksum": f"sha1 {encode(BIG, 'sha1')}"}):
        pass
    assert append(server, path, 0, BIG).status_code == 204
    assert content(server, path) == BIG


def test_a_long_part_is_stored_while_it_arrives(
    server: UploadServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_files.write_parts, "__defaults__", (2**20,))
    path = begin(server, len(BIG))
    with connect(server, path, BIG[: 5 * 2**19]):
        assert until(lambda: _at_least(server, path, 2**20), "the first part") % 2**20 == 0
    until(lambda: _at_least(server, path, 2**21 + 1), "the last bytes")
    assert content(server, path) == BIG[: offset_of(server, path)]


def _at_least(server: UploadServer, path: str, size: int) -> int | None:
    stored = offset_of(server, path)
    return stored if stored >= size else None


def test_an_upload_is_deleted(server: UploadServer) -> None:
    path = begin(server, 20)
    append(server, path, 0, DATA[:10])
    assert server.client.delete(path, headers=TUS).status_code == 204
    assert server.parts() == []
    assert server.client.head(path, headers=TUS).status_code == 404
    faults(append(server, path, 10, DATA[10:20]), 404)
    faults(server.client.delete(path, headers=TUS), 404)


def test_an_upload_in_use_stays(server: UploadServer) -> None:
    path = begin(server, 10)
    append(server, path, 0, DATA[:10])
    upload_id = path.rpartition("/")[2]
    with server.database.write() as connection:
        insert_uses(connection, "local", queue(connection), [upload_id])
    faults(append(server, path, 10, b"more"), 409)
    expire(server)
    assert server.uploads.delete_expired() == 0
    faults(server.client.delete(path, headers=TUS), 409)
    assert content(server, path) == DATA[:10]


def expire(server: UploadServer) -> None:
    with server.database.write() as connection:
        connection.execute(update(table).values(expires_at=datetime.now(UTC)))


def test_an_expired_upload_is_gone(server: UploadServer) -> None:
    path = begin(server, 20)
    append(server, path, 0, DATA[:10])
    expire(server)
    faults(append(server, path, 10, DATA[10:20]), 404)
    assert server.client.head(path, headers=TUS).status_code == 404
    assert made(server.client.get("/v1/uploads"), 200)["items"] == []
    kept = begin(server, 1)
    assert server.uploads.delete_expired() == 1
    assert server.parts() == []
    assert offset_of(server, kept) == 0


@pytest.mark.slow
def test_many_uploads_are_listed_and_expire(shared: UploadServer) -> None:
    upload = shared.uploads.make(1, {"filename": "x"})
    row = upload.model_dump(exclude={"offset"}) | {"owner": "other", "received": 0}
    count = 100_000
    rows = [{**row, "id": f"upload_{number:026}"} for number in range(count)]
    with shared.database.write() as connection:
        connection.execute(insert(table), rows)
    with shared.database.read() as connection:
        first = uploads.get_page(connection, "other", PageRequest(50))
    assert [found.id for found in first.rows] == [one["id"] for one in rows[:-51:-1]]
    assert first.next_cursor is not None
    kept = begin(shared, 1)
    with shared.database.write() as connection:
        due = update(table).where(table.c.owner == "other").values(expires_at=datetime.now(UTC))
        connection.execute(due)
    assert shared.uploads.delete_expired() == count
    assert offset_of(shared, kept) == 0


@pytest.mark.parametrize("version", [None, "0.2.2", "1.0"])
def test_another_version_is_refused(shared: UploadServer, version: str | None) -> None:
    path = begin(shared, 1)
    given = {} if version is None else {"Tus-Resumable": version}
    answers = [
        shared.client.post("/v1/uploads", headers={**given, "Upload-Length": "1"}),
        shared.client.patch(path, headers={**PART, "Tus-Resumable": "", **given}),
        shared.client.head(path, headers=given),
    ]
    for answer in answers:
        assert answer.status_code == 412
        assert answer.headers["tus-version"] == "1.0.0"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"Upload-Length": "-1"},
        {"Upload-Length": "1.0"},
        {"Upload-Length": "9" * 19},
        {"Upload-Length": "٣"},
        {"Upload-Length": "1", "Upload-Defer-Length": "1"},
        {"Upload-Defer-Length": "2"},
        {"Upload-Length": "1", "Upload-Metadata": "a !!!"},
        {"Upload-Length": "1", "Upload-Metadata": "a /w=="},
        {"Upload-Length": "1", "Upload-Metadata": "filename données.csv"},
        {"Upload-Length": "1", "Upload-Metadata": "a,a"},
        {"Upload-Length": "1", "Upload-Metadata": "a " + "A" * 4096},
    ],
)
def test_a_malformed_begin_is_refused(shared: UploadServer, given: dict[str, str]) -> None:
    encoded = [(name.encode(), value.encode()) for name, value in {**TUS, **given}.items()]
    before = made(shared.client.get("/v1/uploads"), 200)
    faults(shared.client.post("/v1/uploads", headers=encoded), 400)
    assert made(shared.client.get("/v1/uploads"), 200) == before


@pytest.mark.parametrize(
    ("status", "changed"),
    [
        (400, {"Upload-Offset": ""}),
        (400, {"Upload-Offset": "-1"}),
        (400, {"Upload-Checksum": "crc32 AAAA"}),
        (400, {"Upload-Checksum": "sha1 ?"}),
        (400, {"Upload-Checksum": "sha1 é"}),
        (415, {"Content-Type": "application/octet-stream"}),
        (415, {"Content-Encoding": "gzip"}),
    ],
)
def test_a_malformed_part_is_refused(
    shared: UploadServer, status: int, changed: dict[str, str]
) -> None:
    path = begin(shared, 10)
    given = {**PART, "Upload-Offset": "0", **changed}
    encoded = [(name.encode(), value.encode()) for name, value in given.items()]
    faults(shared.client.patch(path, content=DATA[:10], headers=encoded), status)
    assert offset_of(shared, path) == 0


def test_a_client_may_override_the_method(shared: UploadServer) -> None:
    path = begin(shared, 3)
    headers = {**PART, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert shared.client.post(path, content=b"abc", headers=headers).status_code == 204
    assert content(shared, path) == b"abc"
    faults(shared.client.post(path, headers=PART), 405)
    headers = {**TUS, "X-HTTP-Method-Override": "DELETE"}
    assert shared.client.post(path, headers=headers).status_code == 204


@pytest.mark.parametrize("checksum", [False, True])
def test_tuspy_sends_a_file(server: UploadServer, checksum: bool) -> None:
    client = TusClient(f"{server.url}/v1/uploads")
    uploader = client.uploader(
        file_stream=io.BytesIO(DATA),
        chunk_size=3_000,
        metadata={"filename": "ä.csv"},
        upload_checksum=checksum,
    )
    uploader.upload(stop_at=5_000)
    again = client.uploader(file_stream=io.BytesIO(DATA), url=uploader.url, chunk_size=4_000)
    assert again.offset == uploader.offset
    again.upload()
    assert content(server, uploader.url.removeprefix(server.url)) == DATA


def test_two_servers_receive_one_file(tmp_path: Path, store: ArtifactStore) -> None:
    servers = [UploadServer(tmp_path, store, LIMIT) for _ in range(2)]
    path = begin(servers[0], len(DATA))
    for number, start in enumerate(range(0, len(DATA), 1_000)):
        part = DATA[start : start + 1_000]
        assert append(servers[number % 2], path, start, part).status_code == 204
    assert content(servers[0], path) == DATA
    for server in servers:
        server.stop()
