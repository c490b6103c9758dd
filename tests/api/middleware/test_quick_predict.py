"""Quick predictions are answered before routing; other requests reach their route whole."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access.principal import LOCAL, SCOPE
from api.middleware.quick_predict import QUICK_BYTES, QuickPredictions

PATH = "/v1/models/{id}:predict"
BODY = json.dumps({"instances": [[1, 2, 3, 4]]}).encode()
HEADERS = {"Content-Type": "application/json"}


async def answer_by_route(request: Request) -> Response:
    return JSONResponse({"route": (await request.body()).decode()})


ROUTE = Route(PATH, answer_by_route, methods=["POST"])
asked: list[tuple[str, str, bytes]] = []


def answer(owner: str, model_id: str, raw: bytes) -> Response | None:
    asked.append((owner, model_id, raw))
    return JSONResponse({"quick": True}) if model_id == "model_quick" else None


def with_owner(app: ASGIApp) -> ASGIApp:
    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        scope[SCOPE] = LOCAL
        await app(scope, receive, send)

    return call


@pytest.fixture
def client() -> Iterator[TestClient]:
    asked.clear()
    app = QuickPredictions(Starlette(routes=[ROUTE]), answer=answer, route=ROUTE)
    with TestClient(with_owner(app)) as client:
        yield client


def test_a_quick_prediction_is_answered_before_routing(client: TestClient) -> None:
    found = client.post("/v1/models/model_quick:predict", content=BODY, headers=HEADERS)
    assert found.json() == {"quick": True}
    assert asked == [("local", "model_quick", BODY)]


def test_a_prediction_that_is_not_quick_reaches_its_route_with_its_body(client: TestClient) -> None:
    found = client.post("/v1/models/model_slow:predict", content=BODY, headers=HEADERS)
    assert found.json() == {"route": BODY.decode()}
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("query", "headers", "content"),
    [
        ("?a=1", HEADERS, BODY),
        ("", {}, BODY),
        ("", {"Content-Type": "text/plain"}, BODY),
        ("", {**HEADERS, "Content-Encoding": "gzip"}, BODY),
        ("", {**HEADERS, "If-Match": "*"}, BODY),
        ("", HEADERS, b" " * (QUICK_BYTES + 1)),
        ("", HEADERS, iter([BODY[:5], BODY[5:]])),
    ],
)
def test_other_requests_are_left_to_the_route(
    client: TestClient, query: str, headers: dict[str, str], content: Any
) -> None:
    path = f"/v1/models/model_quick:predict{query}"
    found = client.post(path, content=content, headers=headers)
    assert "route" in found.json()
    assert asked == []


def test_other_paths_and_methods_are_left_to_the_application(client: TestClient) -> None:
    assert client.get("/v1/models/model_quick:predict").status_code == 405
    assert client.post("/v1/models/model_quick", content=BODY, headers=HEADERS).status_code == 404
    assert asked == []
