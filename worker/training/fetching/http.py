"""Opens a file on an HTTP server, from allowed hosts alone."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urljoin

import httpx

from domain.job.sources import AllowedSource, SourceAddress, find_refusal, parse_address
from worker.training.fetching.addresses import find_addresses
from worker.training.fetching.remote import CannotFetch, FetchInterrupted, Remote

MOST_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses of servers that may answer later."""
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
"""Seconds of silence after which a connection counts as broken."""
BLOCK_BYTES = 2**20
NO_ADDRESS = "The server redirects to something that is no address of a file."
IN_LOCATION = "in location header"
"""Part of the text of httpx's error at a redirect to something that is no address."""
_RANGE = re.compile(r"bytes (?P<start>[0-9]{1,18})-[0-9]{1,18}/(?P<total>[0-9]{1,18}|\*)")


@contextmanager
def open_http(
    address: SourceAddress,
    allowed: Sequence[AllowedSource],
    start: int,
    validator: str | None,
) -> Iterator[Remote]:
    """Opens a file at a place, or at its begin if the server gives no ranges of it.

    Args:
        address: The address of the file.
        allowed: The hosts that the service fetches files from; redirects may lead to these alone.
        start: The number of bytes that are fetched already.
        validator: The entity tag of the file that these bytes are of.

    Raises:
        CannotFetch: The host is not allowed, or the server refuses the request.
        FetchInterrupted: The server does not answer.
    """
    headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "graphfit"}
    if start and validator is not None:
        headers |= {"Range": f"bytes={start}-", "If-Range": validator}
    with httpx.Client(
        timeout=TIMEOUT, trust_env=False, verify=httpx.create_ssl_context()
    ) as client:
        for _ in range(MOST_REDIRECTS + 1):
            with _translated(address):
                response = _send(client, address, allowed, headers)
            try:
                if response.status_code not in REDIRECTS:
                    remote = _read(response, address, start)
                    if remote.start and remote.validator not in (None, validator):
                        raise CannotFetch("The server answered with a part of another file.")
                    yield remote
                    return
                address = _follow(response, address)
            finally:
                response.close()
    raise CannotFetch(f"The server redirects more than {MOST_REDIRECTS} times.")


@contextmanager
def _translated(address: SourceAddress) -> Iterator[None]:
    """Translates errors of the connection; their texts may hold addresses of this network."""
    try:
        yield
    except (httpx.TransportError, httpx.StreamError) as error:
        if IN_LOCATION in str(error):
            raise CannotFetch(NO_ADDRESS) from error
        raise FetchInterrupted(
            f"The connection to '{address.origin}' failed ({type(error).__name__})."
        ) from error
    except (httpx.InvalidURL, ValueError) as error:
        raise CannotFetch(f"'{address.origin}' is no address of a file.") from error


def _send(
    client: httpx.Client,
    address: SourceAddress,
    allowed: Sequence[AllowedSource],
    headers: dict[str, str],
) -> httpx.Response:
    """Sends a request to an address that was checked; the name is in Host and in TLS alone."""
    refusal = find_refusal(address, allowed)
    if refusal is not None:
        raise CannotFetch(refusal)
    numbers = find_addresses(address)
    host = address.origin.partition("://")[2]
    for index, number in enumerate(numbers):
        at = address._replace(host=number)
        request = client.build_request(
            "GET",
            at.url,
            headers={**headers, "Host": host},
            extensions={} if address.is_literal else {"sni_hostname": address.host},
        )
        try:
            return client.send(request, stream=True)
        except httpx.ConnectError:
            if index == len(numbers) - 1:
                raise
    raise FetchInterrupted(f"The host '{address.host}' has no address.")


def _follow(response: httpx.Response, address: SourceAddress) -> SourceAddress:
    """Returns the address that a redirect names; the next request checks whether it is allowed."""
    try:
        target = urljoin(address.url, response.headers.get("location", ""))
    except ValueError:  # e.g. `http://[`
        target = ""
    found = parse_address(target.partition("#")[0])
    if found is None or found.scheme == "s3":
        raise CannotFetch(NO_ADDRESS)
    if address.scheme == "https" and found.scheme != "https":
        raise CannotFetch("The server redirects from https to http.")
    return found


def _read(response: httpx.Response, address: SourceAddress, start: int) -> Remote:
    status, headers = response.status_code, response.headers
    if status in TEMPORARY:
        raise FetchInterrupted(f"The server '{address.origin}' answered {status}.")
    if headers.get("content-encoding", "identity") != "identity":
        raise CannotFetch("The server compresses the file although it was asked not to.")
    if status == 416:
        return _end(headers, start)
    if status not in (200, 206):
        raise CannotFetch(f"The server '{address.origin}' answered {status}.")
    begin, total = _find_place(status, headers)
    if begin not in (0, start):
        raise CannotFetch("The server answered with another part of the file than asked for.")
    return Remote(
        start=begin,
        total=total,
        validator=_find_validator(headers),
        media_type=headers.get("content-type", ""),
        blocks=_iterate(response, address),
    )


def _find_validator(headers: httpx.Headers) -> str | None:
    """Returns the entity tag of the file, if it changes with every byte of it."""
    tag: str | None = headers.get("etag")
    return None if tag is None or tag.startswith("W/") else tag


def _find_place(status: int, headers: httpx.Headers) -> tuple[int, int | None]:
    """Returns the place of the first byte of the body, and the bytes of the whole file."""
    if status == 200:
        length = headers.get("content-length", "")
        return 0, int(length) if length.isdecimal() else None
    found = _RANGE.fullmatch(headers.get("content-range", ""))
    if found is None:
        raise CannotFetch("The server sent a part of the file without its place.")
    total = found["total"]
    return int(found["start"]), None if total == "*" else int(total)


def _end(headers: httpx.Headers, start: int) -> Remote:
    """Returns the end of a file whose length was not known, and that is fetched already."""
    if headers.get("content-range", "") != f"bytes */{start}":
        raise CannotFetch("The server has no part of the file at the place asked for.")
    return Remote(start, start, _find_validator(headers), "", iter(()))


def _iterate(response: httpx.Response, address: SourceAddress) -> Iterator[bytes]:
    with _translated(address):
        yield from response.iter_raw(BLOCK_BYTES)
