"""Small requests, and checks of their responses."""

from typing import Any

import httpx

DENSE = {"type": "Dense", "config": {"units": 3}}


def graph(layer: Any = DENSE, **changes: Any) -> dict[str, Any]:
    """Returns a graph with one input `x` of four numbers, one node and output `y`."""
    return {
        "inputs": [{"name": "x", "shape": [4]}],
        "nodes": [{"name": "y", "layer": layer, "inputs": "x"}],
        "outputs": ["y"],
        **changes,
    }


def faults(answer: httpx.Response, status: int = 422) -> dict[str, str]:
    """Checks the form of a problem document, and returns the details of its faults by pointer."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == status
    assert document["type"].startswith("/problems/")
    assert {"title", "detail", "instance"} <= document.keys()
    details: dict[str, str] = {}
    for fault in document.get("errors", []):
        before = details.get(fault["pointer"])
        details[fault["pointer"]] = f"{before} {fault['detail']}" if before else fault["detail"]
    return details


def made(answer: httpx.Response, status: int = 201) -> dict[str, Any]:
    """Checks the status of a response, and returns its body."""
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body
