"""Polls of a job and small predictions, against bare FastAPI routes with the same answers.

Polls are compared with a route of an `async def` and with one of a `def`, which runs in a thread.

The service and the bare server (`bare_server.py`) answer in turns, and the medians of the rounds
count. Polls use 64 connections: the goal is 3.5 times the rate of the bare route, with a 99th
percentile of the times that is not longer. Predictions of one row use 16 connections: the goal is
0.7 of the rate of a route that parses and returns the same JSON, with at most twice its 99th
percentile.
"""

import json
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.http_load import Load, Server, make_request, measure
from benchmarks.table import show
from tests.support.service import ROOT, Service, until

GRAPH = {
    "inputs": [{"name": "x", "shape": [4]}],
    "nodes": [
        {"name": "h", "layer": {"type": "Dense", "config": {"units": 16}}, "inputs": "x"},
        {"name": "y", "layer": {"type": "Dense", "config": {"units": 3}}, "inputs": "h"},
    ],
    "outputs": ["y"],
}
BODY = json.dumps({"instances": [[0.5, 1.5, -2.0, 3.25]]}).encode()
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Comparison:
    """One kind of request, sent to both servers."""

    title: str
    ours: bytes
    bare: bytes
    connections: int
    rate_goal: float
    p99_goal: float


def find_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def bare_server(documents: dict[str, Any]) -> Iterator[Server]:
    """Start the bare server; yield it."""
    port = find_port()
    command = [sys.executable, "-m", "benchmarks.bare_server", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, text=True)
    assert process.stdin is not None
    json.dump(documents, process.stdin)
    process.stdin.close()
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: answers(f"{address}/job"), "the bare server")
        yield Server(address, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait()


def answers(address: str) -> bool | None:
    """Return True if an address answers, else None."""
    try:
        return httpx.get(address).status_code == 200 or None
    except httpx.TransportError:
        return None


def compare(
    servers: tuple[Server, Server], requests: Comparison, seconds: float, rounds: int
) -> tuple[Load, Load]:
    """Return the medians of both sides, which are measured in turns."""
    pairs = (servers[0], requests.ours), (servers[1], requests.bare)
    measured = [
        [measure(server, request, requests.connections, seconds) for server, request in pairs]
        for _ in range(rounds)
    ]
    ours, bare = zip(*measured, strict=True)
    return find_median(ours), find_median(bare)


def find_median(loads: Sequence[Load]) -> Load:
    """Return the median of each figure."""
    return Load(
        statistics.median(load.rate for load in loads),
        statistics.median(load.p99 for load in loads),
        statistics.median(load.longest for load in loads),
        statistics.median(load.processor for load in loads),
    )


def report(requests: Comparison, ours: Load, bare: Load) -> dict[str, float]:
    """Print a table, and return the ratios with their goals."""
    rows = [
        ("ours, a second", ours.rate),
        ("bare, a second", bare.rate),
        ("rate, ratio", ours.rate / bare.rate),
        ("ours p99, ms", 1000 * ours.p99),
        ("bare p99, ms", 1000 * bare.p99),
        ("p99, ratio", ours.p99 / bare.p99),
        ("ours longest, ms", 1000 * ours.longest),
        ("bare longest, ms", 1000 * bare.longest),
        ("ours, processor time, us", 1e6 * ours.processor),
        ("bare, processor time, us", 1e6 * bare.processor),
        ("answers by processor time, ratio", bare.processor / ours.processor),
    ]
    show(f"{requests.title}, {requests.connections} connections", rows)
    return {
        "rate": round(ours.rate / bare.rate, 2),
        "rate_goal": requests.rate_goal,
        "p99": round(ours.p99 / bare.p99, 2),
        "p99_goal": requests.p99_goal,
        "by_processor_time": round(bare.processor / ours.processor, 2),
    }


def main(seconds: float = 5, rounds: int = 5) -> None:
    """Print a table for each kind of request, and one line of JSON."""
    figures = {}
    with tempfile.TemporaryDirectory() as name:
        service = Service(Path(name))
        try:
            job = service.trained(kind="build", graph=GRAPH, seed=1)
            predict = f"/v1/models/{job['model']}:predict"
            answer = service.client.post(predict, content=BODY, headers=JSON)
            documents = {"job": job, "predict": answer.json()}
            with bare_server(documents) as bare:
                served = Server(service.address, service.part("api"))
                for requests in make_comparisons(served, bare, job["id"], predict):
                    ours, theirs = compare((served, bare), requests, seconds, rounds)
                    figures[requests.title] = report(requests, ours, theirs)
        finally:
            service.stop()
    print(json.dumps({"request_rates": figures}))


def make_comparisons(ours: Server, bare: Server, job: str, predict: str) -> list[Comparison]:
    """Return the polls, against both kinds of routes, and the predictions."""
    poll = make_request(ours.address, "GET", f"/v1/jobs/{job}")
    plain, threaded = (
        make_request(bare.address, "GET", path) for path in ("/job", "/threaded-job")
    )
    predictions = (
        make_request(ours.address, "POST", predict, BODY),
        make_request(bare.address, "POST", "/predict", BODY),
    )
    return [
        Comparison("polls", poll, plain, connections=64, rate_goal=3.5, p99_goal=1),
        Comparison("polls, def", poll, threaded, connections=64, rate_goal=3.5, p99_goal=1),
        Comparison("predictions", *predictions, connections=16, rate_goal=0.7, p99_goal=2),
    ]


if __name__ == "__main__":
    main()
