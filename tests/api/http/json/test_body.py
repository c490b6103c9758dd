"""Large bodies are validated in a thread, with the same result as small bodies."""

import json
import threading
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from pydantic import BeforeValidator

from api.http.json.body import MOST_CONTAINERS, QUICK_BYTES, CurrentBody, JsonRoute
from domain.contract import Contract
from tests.api.requests import faults, graph

validated_in: list[str] = []


def record_thread(value: Any) -> Any:
    validated_in.append(threading.current_thread().name)
    return value


class Body(Contract):
    """A body whose validation records its thread."""

    text: Annotated[str, BeforeValidator(record_thread)]


router = APIRouter(route_class=JsonRoute)


@router.post("/")
async def length(body: Body, sent: CurrentBody) -> int:
    assert sent.json == {"text": body.text}
    return len(body.text)


def test_a_large_body_is_validated_once_and_in_a_thread() -> None:
    app = FastAPI()
    app.include_router(router)
    with TestClient(app) as client:
        for size in (10, 2 * QUICK_BYTES):
            assert client.post("/", json={"text": "x" * size}).json() == size
    small, large = validated_in
    assert "worker" not in small
    assert "worker" in large


def test_the_faults_of_a_large_body_have_the_same_pointers(client: httpx.Client) -> None:
    def found(padding: int) -> dict[str, str]:
        body = {"name": 3, "definition": {"inputs": "x", "outputs": ["y"]}}
        raw = json.dumps(body) + " " * padding
        headers = {"Content-Type": "application/json"}
        return faults(client.post("/v1/graphs", content=raw, headers=headers))

    assert found(0) == found(2 * QUICK_BYTES)
    assert set(found(0)) == {"/name", "/definition/inputs"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/graphs", {"definition": {"nodes": [{}] * (MOST_CONTAINERS - 3)}}),
        ("/v1/jobs", {"graph": {"nodes": [[]] * (MOST_CONTAINERS - 4)}, "dataset": {"x": [[]]}}),
    ],
)
def test_a_body_with_too_many_lists_and_objects_is_refused(
    client: httpx.Client, path: str, body: dict[str, Any]
) -> None:
    assert "" not in faults(client.post(path, json=body))
    body["metadata"] = {}
    assert f"at most {MOST_CONTAINERS} lists" in faults(client.post(path, json=body))[""]


def test_a_body_with_too_many_keys_is_refused(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.http.json.body.MOST_KEYS", 1000)
    body: dict[str, Any] = {"definition": {f"k{number}:": ":" for number in range(999)}}
    assert "" not in faults(client.post("/v1/graphs", json=body))
    body["metadata"] = {}
    assert "at most 1000 keys" in faults(client.post("/v1/graphs", json=body))[""]


def test_the_lists_of_data_do_not_count(client: httpx.Client) -> None:
    data = {"columns": {"x": [[1]] * (MOST_CONTAINERS // 10), "y": [1]}}
    found = faults(client.post("/v1/jobs", json={"dataset": data}))
    assert "" in found
    assert "lists and objects" not in found[""]


@pytest.mark.parametrize(
    "text", ['{"columns": {"x": [1}}', '{"columns": {"x": [1, 2]', '{"x": NaN}']
)
def test_data_that_are_no_json_are_refused(client: httpx.Client, text: str) -> None:
    raw = json.dumps({"graph": graph(), "seed": 1})[:-1] + f', "dataset": {text}}}'
    answer = client.post("/v1/jobs", content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert "dataset" in answer.text
