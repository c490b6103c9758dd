"""https: the connection goes to the checked address, the certificate must be that of the name."""

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.worker.training.fetching.test_fetch import content, make_fetch, quick, run
from worker.training.fetching import addresses
from worker.training.fetching.remote import FetchInterrupted

__all__ = ["quick"]
HOST = "data.example.org"


def write_certificate(path: Path) -> None:
    """Writes a certificate of `HOST` that is its own authority, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = self.headers["Host"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of a server on this machine, which every name leads to."""
    file = tmp_path / "certificate.pem"
    write_certificate(file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    number = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def find(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", number))]

    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setattr(addresses, "is_public", lambda _: True)
    with monkeypatch.context() as names:
        names.setattr(socket, "getaddrinfo", find)
        yield number
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_name_is_in_the_certificate_and_in_host(port: int, tmp_path: Path) -> None:
    fetch = make_fetch(tmp_path / "parts", f"https://{HOST}:{port}/x", f"{HOST}:{port}")
    run(fetch)
    assert content(fetch) == f"{HOST}:{port}".encode()


def test_the_certificate_of_another_name_is_refused(port: int, tmp_path: Path) -> None:
    url = f"https://other.example.org:{port}/x"
    with pytest.raises(FetchInterrupted, match="ConnectError"):
        run(make_fetch(tmp_path / "parts", url, f"*.example.org:{port}"))
