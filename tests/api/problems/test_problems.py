"""Every error response is a problem document, and every problem type is documented."""

import html
import re
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api.problems.error_field import has_error_field, set_error_field_paths
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


def test_a_page_lists_every_problem_and_links_to_it(client: httpx.Client) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    answer = client.get("/problems", headers=browser)
    assert answer.headers["content-type"].startswith("text/html")
    for kind in PROBLEMS:
        assert f'<a href="{kind.uri}">' in answer.text
        assert html.escape(kind.title) in answer.text


def test_the_problems_are_json_for_programs(client: httpx.Client) -> None:
    json = {"Accept": "application/json"}
    listed = client.get("/problems", headers=json).json()["items"]
    assert [item["type"] for item in listed] == [kind.uri for kind in PROBLEMS]
    for item in listed:
        assert client.get(item["type"], headers=json).json() == item
        assert item["meaning"]
        assert item["advice"]


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "text/html"),
        ("application/*", "application/json"),
        ("text/html;q=0, application/json", "application/json"),
        ("text/html;q=0.5, application/json;q=0.9", "application/json"),
        ("APPLICATION/JSON", "application/json"),
        ("application/problem+json", "application/json"),
        ("application/json;q=0.1, text/html", "text/html"),
    ],
)
def test_the_form_of_the_problems_is_the_one_that_the_client_prefers(
    client: httpx.Client, accept: str, media_type: str
) -> None:
    answer = client.get("/problems", headers={"Accept": accept})
    assert answer.headers["content-type"].partition(";")[0] == media_type


@pytest.mark.parametrize("path", ["/v1", "/v1/nothing", "/v1/graphs/", "/v2/health", "/%00"])
def test_an_unknown_path_is_a_404(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    faults(answer, 404)
    assert answer.json()["instance"] == httpx.URL(path).path


@pytest.mark.parametrize("path", ["graphs/graph_1", "jobs/x", "models/'", "datasets/graph_1"])
def test_a_malformed_id_is_a_404(client: httpx.Client, path: str) -> None:
    kind = path.partition("s/")[0]
    answer = client.get(f"/v1/{path}")
    faults(answer, 404)
    assert answer.json()["detail"].startswith(f"There is no {kind} '")


def test_an_unsupported_method_is_a_405(client: httpx.Client) -> None:
    answer = client.put("/v1/info")
    faults(answer, 405)
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1.example.org", "192.168.0.1:8000", ""])
def test_another_host_is_rejected(client: httpx.Client, host: str) -> None:
    faults(client.get("/v1/info", headers={"Host": host}), 421)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "[::1]:8000"])
def test_loopback_hosts_are_accepted(client: httpx.Client, host: str) -> None:
    assert client.get("/v1/info", headers={"Host": host}).status_code == 200


def test_an_origin_of_another_site_is_rejected(client: httpx.Client) -> None:
    own = f"http://{client.base_url.netloc.decode()}"
    assert client.get("/v1/info", headers={"Origin": own}).status_code == 200
    for origin in ("http://example.org", "null", "http://localhost:1"):
        faults(client.get("/v1/info", headers={"Origin": origin}), 403)


def test_the_problem_of_a_prediction_has_the_error_field(client: httpx.Client) -> None:
    path = f"/v1/models/model_{'0' * 26}:predict"
    answer = client.post(path, json={"instances": [[1]]})
    faults(answer, 404)
    assert answer.json()["error"] == answer.json()["detail"]


def test_every_problem_of_a_prediction_has_the_error_field(client: httpx.Client) -> None:
    path = f"/v1/models/model_{'0' * 26}:predict"
    for status, answer in {
        405: client.put(path),
        413: client.post(path, content=b" " * 1_000_001),
        421: client.post(path, json={}, headers={"Host": "example.org"}),
    }.items():
        faults(answer, status)
        assert answer.json()["error"] == answer.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/models/x", "/v1/jobs/x", "/v1/models/x:predict/y", "/x"])
def test_the_problems_of_other_routes_have_no_error_field(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    faults(answer, 404)
    assert "error" not in answer.json()


def test_the_end_of_a_path_decides_the_error_field() -> None:
    app = FastAPI()
    set_error_field_paths(app, ["/v2/models/{name}/infer", "/v1/models/{id}:predict"])
    expected = {"/v2/models/x/infer": True, "/v1/models/x:predict": True, "/v1/models/x": False}
    found = {path: has_error_field({"app": app, "path": path}) for path in expected}
    assert found == expected
