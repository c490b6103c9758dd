"""Downloads: whole files and ranges, read from the store without a copy on this machine."""

import hashlib
import random
from pathlib import Path

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient

from api.http.downloads import make_file_response
from api.problems.handlers import add_handlers
from domain.errors import Damaged
from domain.model import ModelFile
from models_store.files.store import ArtifactStore
from tests.support.stores import publish

KEY = "jobs/job_1/1/model.keras"
CONTENT = random.Random(14).randbytes((5 << 20) + 7)


def client_of(store: ArtifactStore, sha256: str, size: int = len(CONTENT)) -> TestClient:
    """Returns a client of an application whose only route downloads one file."""
    app = FastAPI()
    add_handlers(app)
    file = ModelFile(name="model.keras", bytes=size, sha256=sha256, media_type="application/zip")

    @app.api_route("/file", methods=["GET", "HEAD"])
    def get(request: Request) -> Response:
        return make_file_response(request, store, KEY, file)

    return TestClient(app)


@pytest.fixture
def client(store: ArtifactStore) -> TestClient:
    return client_of(store, publish(store, KEY, CONTENT))


def test_a_file_is_sent_whole(client: TestClient) -> None:
    answer = client.get("/file")
    assert answer.content == CONTENT
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert "last-modified" not in answer.headers
    head = client.head("/file")
    assert head.headers["content-length"] == str(len(CONTENT))
    assert head.content == b""


@pytest.mark.parametrize(
    ("wanted", "content"),
    [
        ("bytes=0-0", CONTENT[:1]),
        ("bytes=100-3000000", CONTENT[100:3_000_001]),
        ("bytes=5242880-", CONTENT[5_242_880:]),
        ("bytes=-9", CONTENT[-9:]),
    ],
)
def test_a_range_is_sent(client: TestClient, wanted: str, content: bytes) -> None:
    answer = client.get("/file", headers={"Range": wanted})
    assert answer.status_code == 206
    assert answer.content == content


def test_several_ranges_are_sent_together(client: TestClient) -> None:
    answer = client.get("/file", headers={"Range": "bytes=0-9,3000000-3000009"})
    assert answer.status_code == 206
    assert answer.headers["content-type"].startswith("multipart/byteranges")
    assert CONTENT[:10] in answer.content
    assert CONTENT[3_000_000:3_000_010] in answer.content
    assert len(answer.content) == int(answer.headers["content-length"])


def test_a_download_leaves_no_copy(client: TestClient, tmp_path: Path) -> None:
    def cached() -> list[Path]:
        return list(tmp_path.rglob("cache/*"))

    client.get("/file")
    client.get("/file", headers={"Range": "bytes=0-9"})
    client.head("/file")
    assert cached() == []


def test_a_missing_file(store: ArtifactStore) -> None:
    answer = client_of(store, "0" * 64).get("/file")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_file_of_another_size_is_an_error(store: ArtifactStore) -> None:
    sha256 = publish(store, KEY, CONTENT)
    answer = client_of(store, sha256, size=len(CONTENT) - 1).get("/file")
    assert answer.status_code == 404
    assert "damaged" in answer.json()["detail"]


@pytest.mark.parametrize("store", ["bucket"], indirect=True)
def test_a_download_of_a_damaged_file_ends_early(store: ArtifactStore) -> None:
    """The client sees fewer bytes than `Content-Length` and knows that the download failed."""
    publish(store, KEY, CONTENT)
    read = bytearray()

    def read_on() -> None:
        while block := file.read(len(read), 1 << 20):
            read.extend(block)

    with store.open(KEY, hashlib.sha256(b"other").hexdigest()) as file, pytest.raises(Damaged):
        read_on()
    assert read == CONTENT[: 5 << 20]
