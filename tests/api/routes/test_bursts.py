"""Bursts: many clients that post at once wait for their turn, and all succeed."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.api.requests import graph
from tests.support.api_server import Server

CLIENTS = 64


def make_body(path: str, number: int) -> dict[str, Any]:
    """Returns a body that no other client posts."""
    definition = graph({"type": "Dense", "config": {"units": number + 1}})
    bodies: dict[str, dict[str, Any]] = {
        "/v1/graphs": {"definition": definition},
        "/v1/jobs": {"kind": "build", "graph": definition},
        "/v1/datasets": {"columns": {"x": [number, 2]}},
    }
    return bodies[path]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "status"), [("/v1/graphs", 201), ("/v1/jobs", 202), ("/v1/datasets", 201)]
)
def test_a_burst_succeeds(server: Server, path: str, status: int) -> None:
    def post(number: int) -> int:
        body = make_body(path, number)
        return httpx.post(f"{server.address}{path}", json=body, timeout=120).status_code

    with ThreadPoolExecutor(CLIENTS) as clients:
        assert list(clients.map(post, range(CLIENTS))) == [status] * CLIENTS
