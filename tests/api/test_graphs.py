"""Graphs: checked, kept, listed, given back, deleted."""

from typing import Any

import httpx

DENSE = {"type": "Dense", "config": {"units": 3}}


def graph(layer: Any = DENSE, **changes: Any) -> dict[str, Any]:
    return {
        "inputs": [{"name": "x", "shape": [4]}],
        "nodes": [{"name": "y", "layer": layer, "inputs": "x"}],
        "outputs": ["y"],
        **changes,
    }


def posted(client: httpx.Client, definition: Any) -> dict[str, Any]:
    answer = client.post("/v1/graphs", json={"definition": definition})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_graph_is_checked_kept_and_given_back(client: httpx.Client) -> None:
    made = client.post("/v1/graphs", json={"name": "small", "definition": graph()})
    assert made.status_code == 201
    body = made.json()
    assert made.headers["location"] == f"/v1/graphs/{body['id']}"
    assert body["summary"]["nodes"] == [
        {"name": "y", "layer": "Dense", "shape": [None, 3], "parameters": 15}
    ]
    assert body["summary"]["parameters"] == {"total": 15, "trainable": 15, "non_trainable": 0}
    assert client.get(f"/v1/graphs/{body['id']}").json() == body
    assert client.get("/v1/graphs").json()["items"][0] == body
    assert client.delete(f"/v1/graphs/{body['id']}").status_code == 204
    assert client.get(f"/v1/graphs/{body['id']}").status_code == 404
