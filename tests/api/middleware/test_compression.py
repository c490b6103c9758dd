"""Documents are compressed for clients that accept gzip; other answers are sent as they are."""

import gzip
import http.client
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI, Response
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient

from api.middleware.compression import LEAST_BYTES, QUICK_BYTES, Compression
from tests.api.requests import graph, made
from tests.support.api_server import Server


def send(server: Server, path: str, method: str = "GET", **headers: str) -> Any:
    """Returns a response and its body as received."""
    connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=60)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers=sent)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    ["/v1/layers", "/v1/layers/Dense", "/v1/ops", "/openapi.json", "/metrics", "/docs/redoc.js"],
)
def test_a_document_is_compressed(server: Server, path: str) -> None:
    plain, content = send(server, path)
    assert plain.headers["Content-Encoding"] is None
    assert plain.headers["Vary"] == "Accept-Encoding"
    answer, body = send(server, path, Accept_Encoding="deflate, gzip, br")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert len(body) == int(answer.headers["Content-Length"]) < len(content) / 2
    if path != "/metrics":  # its numbers change
        assert gzip.decompress(body) == content


@pytest.mark.parametrize(
    ("accept", "is_compressed"),
    [
        ("gzip", True),
        ("GZIP;q=0.5", True),
        ("*", True),
        ("identity;q=0.1, gzip;q=0.2", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000, *", False),
        ("br", False),
        ("*;q=0", False),
        ("identity, gzip;q=0.5", False),
        ("", False),
    ],
)
def test_the_client_chooses_the_coding(server: Server, accept: str, is_compressed: bool) -> None:
    answer, _ = send(server, "/v1/ops", Accept_Encoding=accept)
    assert (answer.headers["Content-Encoding"] == "gzip") is is_compressed


def test_a_compressed_document_has_a_weak_entity_tag(server: Server) -> None:
    """RFC 9110, 8.8.3.3: other bytes may not have the same strong entity tag."""
    plain, _ = send(server, "/v1/layers")
    answer, _ = send(server, "/v1/layers", Accept_Encoding="gzip")
    assert answer.headers["ETag"] == f"W/{plain.headers['ETag']}"
    for tag in (plain.headers["ETag"], answer.headers["ETag"]):
        same, body = send(server, "/v1/layers", If_None_Match=tag, Accept_Encoding="gzip")
        assert (same.status, body) == (304, b"")
        assert same.headers["Vary"] == "Accept-Encoding"


def test_head_has_the_headers_of_the_compressed_document(server: Server) -> None:
    answer, body = send(server, "/v1/layers", Accept_Encoding="gzip")
    head, empty = send(server, "/v1/layers", method="HEAD", Accept_Encoding="gzip")
    assert empty == b""
    for name in ("Content-Length", "Content-Encoding", "ETag", "Vary"):
        assert head.headers[name] == answer.headers[name]
    assert int(head.headers["Content-Length"]) == len(body)


def test_small_answers_and_polls_are_not_compressed(server: Server) -> None:
    sent = {"kind": "build", "graph": graph(), "metadata": {"a": "x" * 512, "b": "y" * 512}}
    job = made(server.client.post("/v1/jobs", json=sent), 202)["id"]
    for path in ("/healthz", f"/v1/jobs/{job}", f"/v1/jobs/{job}"):
        answer, content = send(server, path, Accept_Encoding="gzip")
        assert answer.headers["Content-Encoding"] is None
        assert (len(content) < LEAST_BYTES) is (path == "/healthz")
    listed, _ = send(server, "/v1/jobs", Accept_Encoding="gzip")
    assert listed.headers["Content-Encoding"] == "gzip"


def make_client() -> TestClient:
    app = FastAPI()
    app.add_middleware(Compression)
    lines = [b"x" * 1000, b"y" * 1000]

    @app.get("/stream")
    def stream() -> Response:
        headers = {"Content-Length": "2000"}
        return StreamingResponse(iter(lines), headers=headers, media_type="application/json")

    @app.get("/picture")
    def picture() -> Response:
        return Response(b"x" * 5000, media_type="image/png")

    @app.get("/encoded")
    def encoded() -> Response:
        headers = {"Content-Encoding": "gzip"}
        return Response(gzip.compress(b"{}" * 9), headers=headers, media_type="application/json")

    @app.get("/large")
    def large() -> Response:
        return Response(b"x" * (QUICK_BYTES + 1), media_type="application/json")

    @app.post("/large")
    def post() -> Response:
        return large()

    return TestClient(app)


def test_streams_pictures_and_encoded_bodies_are_sent_as_they_are() -> None:
    client = make_client()
    streamed = client.get("/stream")
    assert streamed.content == b"x" * 1000 + b"y" * 1000
    assert "content-encoding" not in streamed.headers
    assert "content-encoding" not in client.get("/picture").headers
    assert client.get("/encoded").content == b"{}" * 9
    assert "content-encoding" not in client.post("/large").headers


def test_a_body_that_takes_long_is_compressed_in_a_thread() -> None:
    client = make_client()
    for _ in range(2):
        answer = client.get("/large")
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.content == b"x" * (QUICK_BYTES + 1)
