"""Attacks by hundreds of connections of one client, and the service that they attack."""

import json
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

import httpx
from sqlalchemy import insert, select

from models_store.database.tables import jobs
from models_store.ids import new_id
from models_store.records import keys
from tests.abuse.attack_traffic import JSON, Attack, Signals, Targets
from tests.support.service import Service

LISTED = 200
"""The jobs of the attacker, which are the largest page of a list."""
LIST = f"/v1/jobs?page_size={LISTED}"
FILE = "/docs/files/swagger-ui-bundle.js"
ROWS = 3_000_000
PAUSE = 0.001
OPENED_AT_ONCE = 50
"""The connections that are opened before those that are open are looked at."""
TIMEOUT_SECONDS = 5
Answered = Callable[[bytes], bool]
"""Whether the last bytes of a response have been received."""


def build_targets(service: Service) -> Targets:
    """Builds the models of a client with a key, and another key for the attacker, who has jobs."""
    with service.database() as database, database.write() as connection:
        secrets = [keys.create(connection, owner, "")[1] for owner in ("neighbour", "attacker")]
    service.client.headers["Authorization"] = f"Bearer {secrets[0]}"
    targets = Targets.build(service)
    with service.database() as database, database.write() as connection:
        row = connection.execute(select(jobs).where(jobs.c.id == targets.job)).mappings().one()
        copies = [{**row, "id": new_id("job"), "owner": "attacker"} for _ in range(LISTED)]
        connection.execute(insert(jobs), copies)
    return replace(targets, key=secrets[0], attacker_key=secrets[1])


class Crowd:
    """The open connections of an attack."""

    def __init__(self, targets: Targets, path: str, *, window: int | None = None) -> None:
        """Opens nothing yet.

        Args:
            targets: The address of the service, and the attacker's key.
            path: The path that each connection asks for.
            window: The number of bytes that the client receives without reading them.
        """
        parts = urlsplit(targets.address)
        self._address = (parts.hostname or "", parts.port or 80)
        self._window = window
        self.request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n".encode()
        self.request += f"Authorization: Bearer {targets.attacker_key}\r\n\r\n".encode()
        self.opened: list[socket.socket] = []

    def open(self, most: int) -> None:
        """Opens some of the missing connections, and sends a request on each."""
        for _ in range(min(OPENED_AT_ONCE, most - len(self.opened))):
            connection = socket.socket()
            if self._window is not None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._window)
            connection.settimeout(TIMEOUT_SECONDS)
            try:
                connection.connect(self._address)
                connection.sendall(self.request)
            except OSError:
                connection.close()
                return
            connection.setblocking(False)
            self.opened.append(connection)

    def close(self, connection: socket.socket) -> None:
        """Closes one connection."""
        connection.close()
        self.opened.remove(connection)

    def close_all(self) -> None:
        """Closes all connections."""
        for connection in list(self.opened):
            self.close(connection)


def list_without_pause(targets: Targets, signals: Signals, connections: int) -> None:
    """Asks for lists on many connections; each asks again as soon as it has received some bytes."""
    crowd = Crowd(targets, LIST)
    signals.begun.set()
    while not signals.stop.is_set():
        crowd.open(connections)
        for connection in list(crowd.opened):
            try:
                if not connection.recv(1 << 20):
                    crowd.close(connection)
                elif _is_quiet(connection):
                    connection.send(crowd.request)
            except BlockingIOError:
                continue
            except OSError:
                crowd.close(connection)
        signals.stop.wait(PAUSE)
    crowd.close_all()


def _is_quiet(connection: socket.socket) -> bool:
    """Whether no more of the response has arrived."""
    try:
        while connection.recv(1 << 20):
            pass
    except BlockingIOError:
        return True
    return False


def half_close(targets: Targets, signals: Signals, connections: int) -> None:
    """Asks for lists on many connections, and closes the sending side of each."""
    crowd = Crowd(targets, LIST)
    signals.begun.set()
    while not signals.stop.is_set():
        before = len(crowd.opened)
        crowd.open(connections)
        for connection in crowd.opened[before:]:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
        for connection in list(crowd.opened):
            _read(crowd, connection)
        signals.stop.wait(PAUSE)
    crowd.close_all()


def close_at_once(targets: Targets, signals: Signals, connections: int) -> None:
    """Asks for lists on many connections, and closes them before the responses."""
    crowd = Crowd(targets, LIST)
    signals.begun.set()
    while not signals.stop.is_set():
        while len(crowd.opened) < connections and not signals.stop.is_set():
            crowd.open(connections)
        crowd.close_all()


def hold(targets: Targets, signals: Signals, connections: int, path: str) -> None:
    """Asks once on each of many connections and keeps them; opens those again that are closed."""
    crowd = Crowd(targets, path, window=None if path != FILE else 4096)
    while not signals.stop.is_set():
        crowd.open(connections)
        if len(crowd.opened) >= connections:
            signals.begun.set()
        for connection in list(crowd.opened):
            if path != FILE:
                _read(crowd, connection)
            elif not _is_open(connection):
                crowd.close(connection)
        signals.stop.wait(0.01)
    crowd.close_all()


def _read(crowd: Crowd, connection: socket.socket) -> None:
    with suppress(BlockingIOError):
        try:
            if not connection.recv(1 << 20):
                crowd.close(connection)
        except ConnectionError:
            crowd.close(connection)


def _is_open(connection: socket.socket) -> bool:
    """Whether the server has not closed a connection of which nothing is read."""
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 1


def upload_rows(targets: Targets, signals: Signals) -> None:
    """Uploads a dataset of millions of rows."""
    body = json.dumps({"columns": {"x": list(range(ROWS))}}).encode()
    headers = {**JSON, "Authorization": f"Bearer {targets.attacker_key}"}
    signals.begun.set()
    with httpx.Client(base_url=targets.address, timeout=120) as client:
        while not signals.stop.is_set():
            with suppress(httpx.HTTPError):
                client.post("/v1/datasets", content=body, headers=headers)


CONNECTION_ATTACKS: dict[str, tuple[Attack, int]] = {
    "500 lists": (partial(list_without_pause, connections=250), 2),
    "half-closed": (partial(half_close, connections=32), 2),
    "closed at once": (partial(close_at_once, connections=64), 2),
    "900 idle": (partial(hold, connections=450, path="/v1/layers/Dense"), 2),
    "900 unread": (partial(hold, connections=450, path=FILE), 2),
    "uploads of rows": (upload_rows, 8),
}
"""Attacks by one client with a key, and the number of threads that run each."""
