"""A TCP proxy between a client and a server that can lose or delay what is sent."""

import socket
import threading
from contextlib import suppress
from typing import Any

BLOCK = 1 << 16


class Proxy:
    """A proxy that counts the blocks that clients send; a statement or a commit is one block."""

    def __init__(self, family: socket.AddressFamily, target: Any) -> None:
        self._family, self._target = family, target
        self._open: set[socket.socket] = set()
        self._moving = threading.Event()
        self._guard = threading.Lock()
        self.sent = 0
        self._cut_at: int | None = None
        self.mend()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def mend(self) -> None:
        """Forwards everything from now on."""
        self._cut_at = None
        self._moving.set()

    def cut_after(self, blocks: int) -> None:
        """Closes all connections once `blocks` more blocks have reached the server, unanswered."""
        self._cut_at = self.sent + blocks
        if not blocks:
            self._cut()

    def hang(self) -> None:
        """Forwards nothing from now on, but closes no connection."""
        self._moving.clear()

    def close(self) -> None:
        self._listener.close()
        self._cut()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        server = socket.socket(self._family)
        with self._guard:
            self._open |= {client, server}
        with suppress(OSError):
            if self._is_cut():
                client.close()
                return
            server.connect(self._target)
            threading.Thread(target=self._answer, args=(server, client), daemon=True).start()
            while block := client.recv(BLOCK):
                self._moving.wait()
                server.sendall(block)
                self.sent += 1
                if self._is_cut():
                    self._cut()
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while block := server.recv(BLOCK):
                self._moving.wait()
                client.sendall(block)
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)

    def _is_cut(self) -> bool:
        return self._cut_at is not None and self.sent >= self._cut_at

    def _cut(self) -> None:
        with self._guard:
            for end in self._open:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
            self._open.clear()
