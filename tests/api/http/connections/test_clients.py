"""The client of a connection is found in its bytes and in its headers alike."""

import pytest

from api.http.connections.clients import GROUP_SECONDS, find_key, get_key, make_client


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ([b"Authorization: Bearer gf_1"], "gf_1"),
        ([b"aUTHORIZATION:bEARER gf_1 "], "gf_1"),
        ([b"Host: x", b"authorization:  bearer  gf_1"], "gf_1"),
        ([b"Authorization: Basic gf_1"], None),
        ([b"X-Authorization: Bearer gf_1"], None),
        ([b"Authorization: Bearer gf_1", b"Authorization: Bearer gf_2"], None),
        ([], None),
    ],
)
def test_the_key_is_found(lines: list[bytes], key: str | None) -> None:
    head = b"\r\n".join([b"GET /v1/jobs HTTP/1.1", *lines])
    assert find_key(head) == key
    parsed = [line.split(b":", 1) for line in lines]
    assert get_key([(name.lower(), value.strip()) for name, value in parsed]) == key


def test_connections_without_a_key_are_of_one_client_if_they_are_opened_together() -> None:
    first = make_client("127.0.0.1", 10 * GROUP_SECONDS + 0.01)
    assert make_client("127.0.0.1", 10 * GROUP_SECONDS + 0.02) == first
    assert make_client("127.0.0.2", 10 * GROUP_SECONDS + 0.02) != first
    later = make_client("127.0.0.1", 12 * GROUP_SECONDS)
    assert later != first
    assert later.name == first.name
