"""Attacks by one client, and the times of another client's requests meanwhile."""

import json
import multiprocessing
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.support.service import Service

Attack = Callable[["Targets", "Signals"], None]
"""Sends requests until it is told to stop."""
START_SECONDS = 60
END_SECONDS = 10
"""The time after which an attack is killed: its last requests may take minutes."""
STEPS = 3_000
LONG_STEPS = 200_000
JSON = {"Content-Type": "application/json"}


def recurrent(units: int) -> dict[str, Any]:
    """A graph of one LSTM over an unknown number of steps."""
    layer = {"type": "LSTM", "config": {"units": units}}
    return {
        "inputs": [{"name": "x", "shape": [None, 1]}],
        "nodes": [{"name": "y", "layer": layer, "inputs": "x"}],
        "outputs": ["y"],
    }


def dense(units: int, shape: list[int | None]) -> dict[str, Any]:
    """A graph of one Dense layer."""
    layer = {"type": "Dense", "config": {"units": units}}
    return {
        "inputs": [{"name": "x", "shape": shape}],
        "nodes": [{"name": "d", "layer": layer, "inputs": "x"}, POOL]
        if len(shape) > 1
        else [{"name": "y", "layer": layer, "inputs": "x"}],
        "outputs": ["y"],
    }


POOL = {"name": "y", "layer": {"type": "GlobalMaxPooling1D"}, "inputs": "d"}


@dataclass(frozen=True)
class Targets:
    """The models that the attacks and the other client use."""

    address: str
    slow: str
    """An LSTM(2048)."""
    wide: str
    """A Dense(512) at each step."""
    small: str
    job: str
    """The job that made `small`."""
    key: str = ""
    """The API key of the other client; empty in a service without keys."""
    attacker_key: str = ""

    @classmethod
    def build(cls, service: Service) -> "Targets":
        """Builds the models."""
        jobs = [
            service.trained(kind="build", graph=graph, seed=1)
            for graph in (recurrent(2048), dense(512, [None, 4]), dense(3, [4]))
        ]
        slow, wide, small = (job["model"] for job in jobs)
        return cls(service.address, slow, wide, small, jobs[-1]["id"])


@dataclass(frozen=True)
class Signals:
    """The signals between an attack and the test, which run in two processes."""

    begun: Event
    stop: Event


def predict_slowly(targets: Targets, signals: Signals) -> None:
    """Asks for long recurrent predictions."""
    body = {"inputs": [[[0.5]] * STEPS]}
    _post_until(targets, signals, f"/v1/models/{targets.slow}:predict", body)


def predict_long_rows(targets: Targets, signals: Signals) -> None:
    """Asks for the prediction of one row of very many steps."""
    body = {"inputs": [[[0.5, 1, 2, 3]] * LONG_STEPS]}
    _post_until(targets, signals, f"/v1/models/{targets.wide}:predict", body)


def post_many_faults(targets: Targets, signals: Signals) -> None:
    """Posts jobs of millions of empty nodes, and of millions of metadata keys."""
    nodes = {"inputs": [{"name": "x", "shape": [4]}], "nodes": [{}] * 3_000_000, "outputs": ["y"]}
    bodies = [
        json.dumps({"graph": nodes, "kind": "build"}).encode(),
        json.dumps({"metadata": {str(i): i for i in range(3_000_000)}}).encode(),
    ]
    signals.begun.set()
    with httpx.Client(base_url=targets.address, timeout=120) as client:
        while not signals.stop.is_set():
            for body in bodies:
                with suppress(httpx.HTTPError):
                    client.post("/v1/jobs", content=body, headers=JSON)


def trickle_uploads(targets: Targets, signals: Signals) -> None:
    """Sends a byte every two seconds of each of 16 uploads, opened again when they are closed."""
    head = b"POST /v1/datasets HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n"
    head += b"Content-Type: application/x-npz\r\n\r\nPK"
    parts = urlsplit(targets.address)
    opened: list[socket.socket] = []
    signals.begun.set()
    while not signals.stop.is_set():
        while len(opened) < 16:
            opened.append(socket.create_connection((parts.hostname or "", parts.port or 80)))
            opened[-1].sendall(head)
        for connection in list(opened):
            try:
                connection.sendall(b"x")
            except OSError:
                connection.close()
                opened.remove(connection)
        signals.stop.wait(2)
    for connection in opened:
        connection.close()


def send_small_chunks(targets: Targets, signals: Signals) -> None:
    """Sends bodies in chunks of one byte on 32 connections."""
    head = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += b"Transfer-Encoding: chunked\r\n\r\n"
    _send_until(targets, signals, head, b"1\r\n1\r\n" * 10_000)


def pipeline_requests(targets: Targets, signals: Signals) -> None:
    """Sends requests on 32 connections without waiting for the responses."""
    _send_until(targets, signals, b"", b"GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000)


def post_many_keys(targets: Targets, signals: Signals) -> None:
    """Posts graphs with nearly as many keys as there may be, some of them twice."""
    keys = ",".join(f'"{number % 180_000}":{{}}' for number in range(199_000))
    body = f'{{"definition":{{{keys}}}}}'.encode()
    signals.begun.set()
    with httpx.Client(base_url=targets.address, timeout=120) as client:
        while not signals.stop.is_set():
            with suppress(httpx.HTTPError):
                client.post("/v1/graphs", content=body, headers=JSON)


def close_connections(targets: Targets, signals: Signals) -> None:
    """Opens 200 connections again and again, and closes them without reading the response."""
    request = b"GET /v1/layers/Dense HTTP/1.1\r\nHost: localhost\r\n\r\n"
    signals.begun.set()
    while not signals.stop.is_set():
        opened = [_connect(targets, request) for _ in range(200)]
        for connection in opened:
            connection.close()


def read_nothing(targets: Targets, signals: Signals) -> None:
    """Opens 450 connections for large public files, and reads nothing of the responses.

    They are opened slowly, since the attack is the number of open connections.
    """
    request = b"GET /docs/files/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n"
    request += b"Connection: close\r\n\r\n"
    opened: deque[socket.socket] = deque()
    while not signals.stop.is_set():
        opened.append(_connect(targets, request, window=4096))
        signals.stop.wait(0.02)
        if len(opened) > 450:
            signals.begun.set()
            opened.popleft().close()
            signals.stop.wait(0.1)
    for connection in opened:
        connection.close()


def _connect(targets: Targets, request: bytes, window: int | None = None) -> socket.socket:
    """Connects and sends a request.

    Args:
        targets: The address of the service.
        request: The bytes to send.
        window: The number of bytes that the client receives without reading them.
    """
    parts = urlsplit(targets.address)
    connection = socket.socket()
    if window is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    connection.connect((parts.hostname or "", parts.port or 80))
    connection.sendall(request)
    return connection


def _send_until(targets: Targets, signals: Signals, head: bytes, block: bytes) -> None:
    """Sends a head and then blocks on each of 16 connections, which are opened again if closed."""
    parts = urlsplit(targets.address)
    opened: list[socket.socket] = []
    signals.begun.set()
    while not signals.stop.is_set():
        while len(opened) < 16:
            opened.append(socket.create_connection((parts.hostname or "", parts.port or 80)))
            opened[-1].sendall(head)
            opened[-1].setblocking(False)
        for connection in list(opened):
            try:
                connection.send(block)
                connection.recv(1 << 20)
            except BlockingIOError:
                signals.stop.wait(0.001)
            except OSError:
                connection.close()
                opened.remove(connection)
    for connection in opened:
        connection.close()


ATTACKS: dict[str, Attack] = {
    "slow predictions": predict_slowly,
    "long rows": predict_long_rows,
    "many faults": post_many_faults,
    "trickling uploads": trickle_uploads,
    "small chunks": send_small_chunks,
    "pipelines": pipeline_requests,
    "many keys": post_many_keys,
    "closed connections": close_connections,
    "unread responses": read_nothing,
}


def _post_until(targets: Targets, signals: Signals, path: str, body: Any) -> None:
    raw = json.dumps(body).encode()
    signals.begun.set()
    with httpx.Client(base_url=targets.address, timeout=120) as client:
        while not signals.stop.is_set():
            with suppress(httpx.HTTPError):
                client.post(path, content=raw, headers=JSON)


@contextmanager
def attacked(targets: Targets, attack: Attack, threads: int = 2) -> Iterator[None]:
    """Runs an attack in threads of another process until the context ends.

    The other process does not delay the client whose requests are measured.
    """
    context = multiprocessing.get_context("spawn")
    signals = Signals(context.Event(), context.Event())
    process = context.Process(target=_attack, args=(attack, targets, signals, threads))
    process.start()
    try:
        assert signals.begun.wait(START_SECONDS), "the attack did not begin"
        yield
    finally:
        signals.stop.set()
        process.join(END_SECONDS)
        process.kill()


def _attack(attack: Attack, targets: Targets, signals: Signals, threads: int) -> None:
    running = [threading.Thread(target=attack, args=(targets, signals)) for _ in range(threads)]
    for thread in running:
        thread.start()


def measure_neighbour(
    targets: Targets, seconds: float, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Returns the seconds of each request of a client that polls, lists and predicts.

    Every request must succeed. `connect` is a request on a connection of its own.

    Args:
        targets: What the client asks for.
        seconds: The time of all requests.
        clock: The clock that measures a request.
    """
    times: dict[str, list[float]] = {}
    predict = f"/v1/models/{targets.small}:predict"
    requests = (
        ("healthz", "GET", "/healthz", None),
        ("job", "GET", f"/v1/jobs/{targets.job}", None),
        ("predict", "POST", predict, {"instances": [[1, 2, 3, 4]]}),
        ("list", "GET", "/v1/jobs", None),
        ("connect", "GET", f"/v1/jobs/{targets.job}", None),
    )
    headers = {"Authorization": f"Bearer {targets.key}"} if targets.key else {}
    options: dict[str, Any] = {"base_url": targets.address, "headers": headers, "timeout": 60}
    end = time.monotonic() + seconds
    with closing(httpx.Client(**options)) as kept:
        while time.monotonic() < end:
            for name, method, path, body in requests:
                with httpx.Client(**options) if name == "connect" else nullcontext(kept) as client:
                    began = clock()
                    answer = client.request(method, path, json=body)
                    times.setdefault(name, []).append(clock() - began)
                assert answer.status_code == 200, answer.text
            time.sleep(0.01)  # a client that polls, not another attack
    return times
