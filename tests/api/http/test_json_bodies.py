"""Bodies that are rejected before they are validated."""

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
        (b"\xff\xfe", "line 1"),
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
    assert post(client, body.ljust(1_000_000)).status_code == 201
    faults(post(client, body.ljust(1_000_001)), 413)
