"""One error shape everywhere, and every kind of problem explained."""

import re
from pathlib import Path

import httpx
import pytest

from api.problems.types import PROBLEMS
from tests.api.requests import faults

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "problems.md"


def test_every_problem_is_documented_with_its_status() -> None:
    sections = dict(re.findall(r"^## `/problems/([a-z-]+)`\n\n(.*)$", PAGE.read_text(), re.M))
    assert sections == {kind.slug: f"{kind.status}: {kind.title}." for kind in PROBLEMS}


def test_slugs_are_unique_and_their_pages_exist(client: httpx.Client) -> None:
    assert len({kind.slug for kind in PROBLEMS}) == len(PROBLEMS)
    for kind in PROBLEMS:
        answer = client.get(kind.uri)
        assert answer.status_code == 200
        assert str(kind.status) in answer.text
    faults(client.get("/problems/unknown"), 404)


@pytest.mark.parametrize("path", ["/v1", "/v1/nothing", "/v1/graphs/", "/v2/health", "/%00"])
def test_unknown_addresses(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    faults(answer, 404)
    assert answer.json()["instance"] == httpx.URL(path).path


@pytest.mark.parametrize("path", ["graphs/graph_1", "jobs/x", "models/'", "datasets/graph_1"])
def test_ids_that_cannot_be(client: httpx.Client, path: str) -> None:
    kind = path.partition("s/")[0]
    answer = client.get(f"/v1/{path}")
    faults(answer, 404)
    assert answer.json()["detail"].startswith(f"There is no {kind} '")


def test_methods_that_an_address_does_not_take(client: httpx.Client) -> None:
    answer = client.put("/v1/info")
    faults(answer, 405)
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1.example.org", "192.168.0.1:8000", ""])
def test_other_hosts_are_not_answered(client: httpx.Client, host: str) -> None:
    faults(client.get("/v1/info", headers={"Host": host}), 421)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "[::1]:8000"])
def test_loopback_names_are_answered(client: httpx.Client, host: str) -> None:
    assert client.get("/v1/info", headers={"Host": host}).status_code == 200


def test_pages_of_other_sites_may_not_call(client: httpx.Client) -> None:
    own = f"http://{client.base_url.netloc.decode()}"
    assert client.get("/v1/info", headers={"Origin": own}).status_code == 200
    for origin in ("http://example.org", "null", "http://localhost:1"):
        faults(client.get("/v1/info", headers={"Origin": origin}), 403)


def test_predictions_also_tell_as_tensorflow_serving_does(client: httpx.Client) -> None:
    path = f"/v1/models/model_{'0' * 26}:predict"
    answer = client.post(path, json={"instances": [[1]]})
    faults(answer, 404)
    assert answer.json()["error"] == answer.json()["detail"]
