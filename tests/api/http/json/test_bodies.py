"""Bodies that are rejected before they are validated."""

import gzip
import json
from collections.abc import Iterator

import httpx
import pytest

from tests.api.requests import faults, graph

JSON = {"Content-Type": "application/json"}


def post(client: httpx.Client, body: bytes) -> httpx.Response:
    return client.post("/v1/graphs", content=body, headers=JSON)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b'{"definition": {"inputs": [', "line 1 column"),
        (b'{"definition":\n NaN}', "line 2 column 2. NaN is not JSON."),
        (b'{"definition": -Infinity}', "Infinity is not JSON."),
        (b"{'a': 1}", "line 1 column 2"),
        (b"\xff{}", "line 1"),
        ("{}".encode("utf-16"), "The body is UTF-16; JSON is sent as UTF-8."),
        ("{}".encode("utf-16-be"), "The body is UTF-16"),
        ("{}".encode("utf-32-le"), "The body is UTF-32"),
        (b"\xef\xbb\xbf", "empty"),
        (b'{"name": "\\ud800"}', "surrogate"),
        (b'{"name": "\\udc00"}', "surrogate"),
        (b'{"\\udc00": 1}', "surrogate"),
    ],
)
def test_a_body_that_is_not_json_is_rejected(client: httpx.Client, body: bytes, words: str) -> None:
    answer = post(client, body)
    faults(answer, 400)
    assert answer.json()["type"] == "/problems/not-json"
    assert words in answer.json()["detail"]


def test_a_number_over_64_bits_is_a_fault_at_its_pointer(client: httpx.Client) -> None:
    found = faults(post(client, b'{"definition": {"nodes": [1, -1e400, 1e5, 1e-400]}}'))
    assert found == {"/definition/nodes/1": "The number is too large for 64 bits."}


def test_text_that_no_database_can_store_is_a_fault(client: httpx.Client) -> None:
    assert "/name" in faults(post(client, b'{"name": "a\\u0000b", "definition": {}}'))


def test_a_body_of_ten_thousand_levels_is_rejected(client: httpx.Client) -> None:
    for body in (b"[" * 10_000 + b"]" * 10_000, b'{"definition":' * 10_000 + b"1" + b"}" * 10_000):
        assert "200 levels" in faults(post(client, body))[""]


def test_another_media_type_is_rejected(client: httpx.Client) -> None:
    answer = client.post("/v1/graphs", content=b"{}", headers={"Content-Type": "text/plain"})
    faults(answer, 415)
    assert "application/json" in answer.json()["detail"]


def test_a_content_length_over_the_limit_is_rejected_before_the_body(client: httpx.Client) -> None:
    head = b"POST /v1/graphs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000001\r\n\r\n"
    answer = send_head(client, head)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"application/problem+json" in answer
    assert b"MAX_DEFINITION_BYTES" in answer


@pytest.mark.parametrize("path", [f"/v1/models/model_{0:026}:predict", "/v1/jobs"])
def test_bodies_with_data_have_a_limit_of_their_own(client: httpx.Client, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000001\r\n\r\n"
    answer = send_head(client, head.encode())
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"MAX_JSON_BYTES" in answer


def test_an_upload_has_its_own_limit(client: httpx.Client) -> None:
    head = b"POST /v1/datasets HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
    answer = send_head(client, head % (16 * 2**30 + 1))
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"MAX_UPLOAD_BYTES" in answer


def send_head(client: httpx.Client, head: bytes) -> bytes:
    """Returns the response to a request whose body is never sent."""
    import socket

    address = (client.base_url.host, client.base_url.port or 80)
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(head)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        return answer


def test_a_chunked_body_over_the_limit_is_rejected(client: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 50_000

    answer = client.post("/v1/graphs", content=endless(), headers=JSON)
    faults(answer, 413)


def test_a_body_at_the_limit_is_accepted(client: httpx.Client) -> None:
    body = httpx.Request("POST", "http://x", json={"definition": graph()}).read()
    assert post(client, body.ljust(900_000)).status_code == 201
    faults(post(client, body.ljust(1_000_001)), 413)


def test_a_byte_order_mark_is_skipped(client: httpx.Client) -> None:
    """RFC 8259 (8.1) allows it; PowerShell and editors on Windows write it."""
    body = json.dumps({"definition": graph()}).encode("utf-8-sig")
    assert post(client, body).status_code == 201


PREDICT = f"/v1/models/model_{'0' * 26}:predict"


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "identity, deflate"])
def test_a_compressed_body_is_refused_by_the_name_of_its_header(
    client: httpx.Client, encoding: str
) -> None:
    body = gzip.compress(json.dumps({"definition": graph()}).encode())
    for address in ("/v1/graphs", "/v1/jobs", PREDICT):
        headers = {**JSON, "Content-Encoding": encoding}
        answer = client.post(address, content=body, headers=headers)
        faults(answer, 415)
        assert f"Content-Encoding: {encoding}" in answer.json()["detail"]
        assert answer.headers["accept-encoding"] == "identity"


def test_a_body_with_the_encoding_identity_is_accepted(client: httpx.Client) -> None:
    headers = {"Content-Encoding": "identity"}
    answer = client.post("/v1/graphs", json={"definition": graph()}, headers=headers)
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/v1/graphs", '{"name": "a", "name": "b", "definition": {}}', "/name"),
        (
            "/v1/graphs",
            '{"definition": {"nodes": [{"name": 1, "name": 1}]}}',
            "/definition/nodes/0/name",
        ),
        ("/v1/jobs", '{"kind": "build", "fit": {"epochs": 1, "epochs": 2}}', "/fit/epochs"),
    ],
)
def test_a_key_that_appears_twice_is_refused_at_its_place(
    client: httpx.Client, path: str, body: str, pointer: str
) -> None:
    found = faults(client.post(path, content=body, headers=JSON))
    assert "appears twice" in found[pointer]


@pytest.mark.parametrize("text", ["%ff", "%ED%A0%80", "%C3"])
def test_a_query_that_is_not_utf_8_is_refused(client: httpx.Client, text: str) -> None:
    body = b'{"columns": {"x": [1]}}'
    answer = client.post(f"/v1/datasets?name={text}", content=body, headers=JSON)
    assert "UTF-8" in faults(answer)[""]
    assert "UTF-8" in faults(client.get(f"/v1/jobs?metadata.a={text}"))[""]
