"""Small requests, and what their refusals must look like."""

from typing import Any

import httpx

DENSE = {"type": "Dense", "config": {"units": 3}}


def graph(layer: Any = DENSE, **changes: Any) -> dict[str, Any]:
    """One input `x` of four numbers, one node and output `y`."""
    return {
        "inputs": [{"name": "x", "shape": [4]}],
        "nodes": [{"name": "y", "layer": layer, "inputs": "x"}],
        "outputs": ["y"],
        **changes,
    }


def faults(answer: httpx.Response, status: int = 422) -> dict[str, str]:
    """Pointer to details of a refusal, once its form is checked."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == status
    assert document["type"].startswith("/problems/")
    assert {"title", "detail", "instance"} <= document.keys()
    told: dict[str, str] = {}
    for fault in document.get("errors", []):
        before = told.get(fault["pointer"])
        told[fault["pointer"]] = f"{before} {fault['detail']}" if before else fault["detail"]
    return told


def made(answer: httpx.Response, status: int = 201) -> dict[str, Any]:
    """The body of a success."""
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body
