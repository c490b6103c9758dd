"""Addresses of sources, and the list of allowed hosts."""

import pytest

from domain.job.sources import find_refusal, parse_address, parse_allowed

ALLOWED = "data.example.org, *.example.com:8443, http://127.0.0.1:9000, http://[::1]:80, s3://mine"


@pytest.mark.parametrize(
    "text",
    [
        "https://data.example.org/a/b.csv?x=1",
        "https://DATA.example.org./",
        "https://data.example.org:443",
        "https://a.b.example.com:8443/x",
        "http://127.0.0.1:9000/x",
        "http://[::1]/x",
        "s3://mine/a/key.parquet",
        "s3://mine/a%20b/..c/k%C3%A9y%2Fx/",
    ],
)
def test_allowed_addresses(text: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert find_refusal(address, parse_allowed(ALLOWED)) is None


@pytest.mark.parametrize(
    "text",
    [
        "http://data.example.org/",
        "https://data.example.org:8443/",
        "https://evil-data.example.org/",
        "https://data.example.org.evil.net/",
        "https://example.com:8443/",
        "https://badexample.com:8443/",
        "https://127.0.0.1:9000/",
        "http://127.0.0.1/",
        "s3://mine2/key",
    ],
)
def test_other_addresses_are_refused(text: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert "GRAPHFIT_IMPORT_HOSTS" in (find_refusal(address, parse_allowed(ALLOWED)) or "")


@pytest.mark.parametrize(
    "text",
    [
        "", "data.example.org", "ftp://host/x", "file:///etc/passwd", "https:///x", "https://",
        "https://user@host/", "https://user:word@host/", "https://host/#part", "https://host:99999/",
        "https://host\\@evil/", "https://host /", "https://ho\nst/", "https://höst/", "s3://mine",
        "s3://mine/", "s3://mine:80/key", "s3://mine/a//b", "s3://mine/../a", "s3://mine/a/%2e",
        "s3://mine/%00", "s3://mine/%ff", "s3://mine/a%0a", "s3://mine//", "//host/x", "https://[::1/x",
    ],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    assert parse_address(text) is None


@pytest.mark.parametrize("text", ["a b", "https://host/path", "*", "ftp://x", "host:port", "a.*.b"])
def test_what_is_no_entry(text: str) -> None:
    with pytest.raises(ValueError, match="is not like"):
        parse_allowed(text)


def test_an_empty_list_allows_nothing() -> None:
    assert parse_allowed(" , ") == []
