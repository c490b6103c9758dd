"""Large bodies are validated in a thread, with the same result as small bodies."""

import json
import threading
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from pydantic import BeforeValidator

from api.http.json_body import QUICK_BYTES, CurrentBody, JsonRoute
from domain.contract import Contract
from tests.api.requests import faults

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
