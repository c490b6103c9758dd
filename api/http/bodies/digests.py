"""Compares a body with the hashes that its sender gives (RFC 9530)."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from fastapi import Request

from api.problems.handlers import BadRequest, DigestMismatch
from domain.errors import GraphfitError

ALGORITHMS = {"sha-256": "sha256", "sha-512": "sha512"}
"""hashlib's names of the algorithms of RFC 9530 that are not deprecated."""
HEADERS = ("Content-Digest", "Repr-Digest")
"""The whole of a body is sent, without a content coding, so that both are the same hash."""
_MEMBER = re.compile(r"([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):(?:;.*)?")


class Source(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Reads up to `size` bytes; returns no bytes at the end."""
        ...


@dataclass(frozen=True)
class Expected:
    """A hash that the body must have."""

    algorithm: str
    """hashlib's name."""
    digest: bytes
    make_error: Callable[[], GraphfitError]
    """Makes the error of a body with another hash."""


@dataclass
class CheckedBody:
    """A body that is hashed while it is read."""

    source: Source
    expected: Sequence[Expected]
    _hashes: "dict[str, hashlib._Hash]" = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._hashes = {
            item.algorithm: hashlib.new(item.algorithm, usedforsecurity=False)
            for item in self.expected
        }

    def read(self, size: int, /) -> bytes:
        """Reads from the body."""
        block = self.source.read(size)
        for hashed in self._hashes.values():
            hashed.update(block)
        return block

    def check(self) -> None:
        """Reads what is left of the body, and compares its hashes.

        Raises:
            GraphfitError: A hash differs; the error is that of `Expected.make_error`.
        """
        while self.expected and self.read(1 << 20):
            pass
        for item in self.expected:
            if self._hashes[item.algorithm].digest() != item.digest:
                raise item.make_error()


def parse_digests(request: Request) -> list[Expected]:
    """Returns the hashes in the headers `Content-Digest` and `Repr-Digest`.

    Raises:
        BadRequest: A header is malformed, or names no algorithm that this service knows.
    """
    return [
        expected
        for header in HEADERS
        if (values := request.headers.getlist(header))
        for expected in _parse(header, ",".join(values))
    ]


def _parse(header: str, value: str) -> Iterator[Expected]:
    members = dict(_parse_member(header, text.strip()) for text in value.split(","))
    known = members.keys() & ALGORITHMS.keys()
    if not known:
        names = " and ".join(f"`{name}`" for name in ALGORITHMS)
        raise BadRequest(f"`{header}` has none of the algorithms that this service knows: {names}.")
    for name in sorted(known):
        yield Expected(ALGORITHMS[name], members[name], lambda: _make_mismatch(header))


def _parse_member(header: str, text: str) -> tuple[str, bytes]:
    found = _MEMBER.fullmatch(text)
    try:
        digest = base64.b64decode(found[2], validate=True) if found else None
    except binascii.Error:
        digest = None
    if found is None or digest is None:
        raise BadRequest(f"`{header}` is not like `sha-256=:<base64>:` (RFC 9530).")
    return found[1], digest


def _make_mismatch(header: str) -> DigestMismatch:
    return DigestMismatch(f"The body does not have the hash that `{header}` gives.")
