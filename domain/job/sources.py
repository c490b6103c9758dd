"""The addresses of files that `import` jobs fetch, and the list of those that a service allows."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import unquote

PORTS = {"https": 443, "http": 80, "s3": 0}
_ADDRESS = re.compile(
    r"(?P<scheme>https|http|s3)://(?P<host>[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<target>[/?][\x21\x22\x24-\x7e]*)?"
)
"""Stricter than a URL: no user, no fragment, ASCII alone. Parsers therefore read it alike."""
_ENTRY = re.compile(
    r"(?:(?P<scheme>https|http|s3)://)?(?P<host>(?:\*\.)?[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
_LITERAL = re.compile(r"[0-9.]+|[0-9a-f:.]*:[0-9a-f:.]*")
"""An IP address; `ipaddress` says whether it is a valid one."""
WILDCARD = "*."


class SourceAddress(NamedTuple):
    """The address of a file."""

    scheme: str
    host: str
    """The name in small letters, or an IP address without brackets; the bucket of `s3`."""
    port: int
    target: str
    """The path and the query; the key of `s3`, after a slash."""

    @property
    def origin(self) -> str:
        """The scheme, the host and a port that is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def url(self) -> str:
        """The whole address."""
        return self.origin + self.target

    @property
    def name(self) -> str:
        """The name of the file: the last part of the path."""
        return self.target.partition("?")[0].rpartition("/")[2]

    @property
    def is_literal(self) -> bool:
        """Whether the host is an IP address."""
        return _LITERAL.fullmatch(self.host) is not None


class AllowedSource(NamedTuple):
    """An entry of the list of hosts from which files are fetched."""

    scheme: str
    host: str
    port: int

    def includes(self, address: SourceAddress) -> bool:
        """Return whether the entry allows an address."""
        if (self.scheme, self.port) != (address.scheme, address.port):
            return False
        if self.host.startswith(WILDCARD):
            return address.host.endswith(self.host[1:])
        return self.host == address.host


def parse_address(text: str) -> SourceAddress | None:
    """Return the parts of an address; None if it is not like `https://host/path`."""
    found = _ADDRESS.fullmatch(text)
    if found is None:
        return None
    scheme, target = found["scheme"], found["target"] or "/"
    port = int(found["port"] or PORTS[scheme])
    if port > 65_535 or (scheme == "s3" and (found["port"] or not _is_key(target))):
        return None
    target = target if target.startswith("/") else f"/{target}"
    return SourceAddress(scheme, _normalize(found["host"]), port, target)


def _is_key(target: str) -> bool:
    """Whether a path names an object that clients of buckets can ask for."""
    try:
        key = unquote(target.removeprefix("/"), errors="strict")
    except UnicodeDecodeError:
        return False
    has_names = all(name not in ("", ".", "..") for name in key.removesuffix("/").split("/"))
    return has_names and not any(ord(character) < 32 or ord(character) == 127 for character in key)


def parse_allowed(text: str) -> list[AllowedSource]:
    """Return the entries of a list, which commas separate.

    An entry is like `data.example.org`, `*.example.org:8443`, `http://127.0.0.1:9000` or
    `s3://bucket`. Without a scheme it allows https.

    Raises:
        ValueError: An entry has another form.
    """
    return list(_parse_entries(part.strip() for part in text.split(",") if part.strip()))


def _parse_entries(entries: Iterable[str]) -> Iterator[AllowedSource]:
    for entry in entries:
        found = _ENTRY.fullmatch(entry)
        if found is None:
            raise ValueError(f"'{entry}' is not like example.org, https://example.org or s3://name")
        scheme = found["scheme"] or "https"
        yield AllowedSource(scheme, _normalize(found["host"]), int(found["port"] or PORTS[scheme]))


def find_refusal(address: SourceAddress, allowed: Iterable[AllowedSource]) -> str | None:
    """Return why files may not be fetched from an address; None if they may."""
    if any(entry.includes(address) for entry in allowed):
        return None
    return (
        f"This service fetches no files from '{address.origin}'. Its operator allows hosts by the "
        "setting GRAPHFIT_IMPORT_HOSTS."
    )


def _normalize(host: str) -> str:
    return host.strip("[]").lower().rstrip(".")
