"""An HTTP server of one file that breaks connections, redirects, or changes the file."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """The file, and how it is served."""

    content: bytes
    etag: str | None = '"one"'
    broken_after: list[int] = field(default_factory=list)
    """For each of the next answers, the bytes after which the connection breaks."""
    redirects: dict[str, str] = field(default_factory=dict)
    """The `Location` by path."""
    status: int = 200
    has_length: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    """Further headers of the answer."""
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """The paths and headers that were requested."""
    later: bytes | None = None
    """The content after the next answer, with another entity tag."""
    port: int = 0

    @property
    def url(self) -> str:
        """The address of the file."""
        return f"http://127.0.0.1:{self.port}/data.npz"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: FileServer

    def do_GET(self) -> None:
        self.served.requests.append((self.path, dict(self.headers)))
        self.close_connection = True
        if self.path in self.served.redirects:
            self.send_response(302)
            self.send_header("Location", self.served.redirects[self.path])
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.served.status != 200:
            self.send_error(self.served.status)
        else:
            self._send_file()

    def _send_file(self) -> None:
        start = self._find_start()
        body = self.served.content[start:]
        self.send_response(206 if start else 200)
        if start:
            total = len(self.served.content)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if self.served.etag is not None:
            self.send_header("ETag", self.served.etag)
        for name, value in self.served.headers.items():
            self.send_header(name, value)
        if self.served.has_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        most = self.served.broken_after.pop(0) if self.served.broken_after else len(body)
        if self.served.later is not None:
            self.served.content, self.served.etag = self.served.later, '"later"'
            self.served.later = None
        self.wfile.write(body[:most])

    def _find_start(self) -> int:
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        is_same = self.headers.get("If-Range") == self.served.etag
        return int(found[1]) if found and is_same and self.served.etag else 0

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serve(content: bytes) -> Iterator[FileServer]:
    """Serves a file in a thread."""
    served = FileServer(content)
    kind = type("FileHandler", (Handler,), {"served": served})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    served.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
