"""The answers of a real service are those that the OpenAPI document describes."""

from copy import deepcopy
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.problems.types import MEDIA_TYPE
from domain.catalogue import COLLECTIONS
from tests.api.openapi.schema_check import check
from tests.support.example_bodies import example
from tests.support.service import Service

DEFINITION = {
    "inputs": [{"name": "x", "shape": [2]}],
    "layers": {"shared": {"type": "Dense", "config": {"units": 1}}},
    "nodes": [
        {"name": "h", "layer": "shared", "inputs": "x"},
        {"name": "m", "op": "mean", "inputs": "h", "config": {"axis": -1}},
        {"name": "y", "layer": {"type": "Dense", "config": {"units": 1}}, "inputs": "h"},
    ],
    "outputs": ["y", {"name": "average", "from": "m"}],
}
SOMETIMES = {("getJob", "Retry-After")}
"""Headers that depend on the state: a job that has ended is not polled again."""
FEED = {"targets": {"y": "y"}}
COMPILE = {"loss": {"y": "mse"}}


class Caller:
    """Sends requests, and compares each answer with the document."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._document: dict[str, Any] = create_app().openapi()
        self.called: set[str] = set()

    def call(self, method: str, path: str, status: int, **options: Any) -> Any:
        """Sends a request, checks its answer, and returns the body.

        Args:
            method: The method in lower case.
            path: A path of the document, with values in the place of its parameters as `{id=...}`.
            status: The status that the answer must have.
            options: Options of the client.
        """
        template, address = _split(path)
        operation = self._document["paths"][template][method]
        answer = self._client.request(method, address, **options)
        assert answer.status_code == status, answer.text
        described = operation["responses"][str(status)]
        for name in described.get("headers", {}):
            if (operation["operationId"], name) not in SOMETIMES and name != "Link":
                assert name in answer.headers, (path, name)
        self.called.add(operation["operationId"])
        media_type = answer.headers.get("content-type", "").partition(";")[0]
        media = described.get("content", {}).get(media_type)
        assert (media is None) == (answer.content == b""), (path, media_type)
        if media is None or not media_type.endswith("json"):
            return None
        check(self._document, media.get("schema", {}), answer.json())
        return answer.json()


def _split(path: str) -> tuple[str, str]:
    """Returns the path of the document, and that of the request."""
    template = address = ""
    for part in path.split("{"):
        inside, brace, rest = part.partition("}")
        name, _, value = inside.partition("=")
        template += f"{{{name}}}{rest}" if brace else part
        address += value + rest if brace else part
    return template.partition("?")[0], address


@pytest.fixture(scope="module")
def caller(service: Service) -> Caller:
    return Caller(service.client)


def test_the_answers_about_graphs_and_datasets_fit(caller: Caller) -> None:
    body = {"definition": DEFINITION}
    caller.call("post", "/v1/graphs?validate_only=true", 200, json=body)
    graph = caller.call("post", "/v1/graphs", 201, json=body)["id"]
    caller.call("get", "/v1/graphs", 200)
    caller.call("get", f"/v1/graphs/{{id={graph}}}", 200)
    caller.call("get", f"/v1/graphs/{{id={graph}}}/keras-json", 200)
    caller.call("delete", f"/v1/graphs/{{id={graph}}}", 204)
    caller.call("get", f"/v1/graphs/{{id={graph}}}", 404)
    caller.call("post", "/v1/graphs", 422, json={"definition": {}})
    columns = {"columns": {"x": [[0.5, 1.5]], "y": [1]}}
    dataset = caller.call("post", "/v1/datasets", 201, json=columns)["id"]
    caller.call("get", "/v1/datasets", 200)
    caller.call("get", f"/v1/datasets/{{id={dataset}}}", 200)
    caller.call("get", f"/v1/datasets/{{id={dataset}}}/rows", 200)
    caller.call("delete", f"/v1/datasets/{{id={dataset}}}", 204)


def test_the_answers_about_jobs_and_models_fit(caller: Caller, service: Service) -> None:
    dataset = service.dataset({"x": [[0.5, 1.5]] * 4, "y": [[1.0]] * 4})
    request = {"graph": DEFINITION, "dataset": dataset, "feed": FEED, "compile": COMPILE}
    request |= {"fit": {"validation_split": 0.5}}
    job = caller.call("post", "/v1/jobs", 202, json=request)["id"]
    model = service.ended(job)["model"]
    etag = service.client.get(f"/v1/jobs/{job}").headers["etag"]
    caller.call("get", f"/v1/jobs/{{id={job}}}", 200)
    caller.call("get", f"/v1/jobs/{{id={job}}}", 304, headers={"If-None-Match": etag})
    caller.call("get", "/v1/jobs?state=succeeded", 200)
    caller.call("get", f"/v1/jobs/{{id={job}}}/history", 200)
    caller.call("get", f"/v1/jobs/{{id={job}}}/report", 200)
    etag = service.client.get(f"/v1/jobs/{job}/report").headers["etag"]
    caller.call("get", f"/v1/jobs/{{id={job}}}/report", 304, headers={"If-None-Match": etag})
    caller.call("get", f"/v1/jobs/{{id={job}}}/events", 200)
    stream = {"Accept": "text/event-stream"}
    caller.call("get", f"/v1/jobs/{{id={job}}}/events", 200, headers=stream)
    seen = {**stream, "Last-Event-ID": "999"}
    caller.call("get", f"/v1/jobs/{{id={job}}}/events", 204, headers=seen)
    condition = {"If-Match": '"other"'}
    caller.call("get", f"/v1/jobs/{{id={job}}}", 412, headers=condition)
    caller.call("post", f"/v1/jobs/{{id={job}}}/cancel", 412, headers=condition)
    caller.call("delete", f"/v1/jobs/{{id={job}}}", 412, headers=condition)
    caller.call("get", "/v1/models", 200)
    caller.call("get", f"/v1/models/{{id={model}}}", 200)
    rows = {"instances": [[1, 2], [3, 4]]}
    caller.call("post", f"/v1/models/{{id={model}}}:predict", 200, json=rows)
    caller.call("post", f"/v1/models/{{id={model}}}:predict", 422, json={"instances": [[1]]})
    file = f"/v1/models/{{id={model}}}/files/{{name=model.keras}}"
    caller.call("get", file, 416, headers={"Range": "bytes=999999999-"})
    caller.call("get", file, 400, headers={"Range": "bytes=x"})
    queued = {**request, "fit": {"epochs": 1000000}, "priority": -1000}
    other = caller.call("post", "/v1/jobs", 202, json=queued)["id"]
    caller.call("post", f"/v1/jobs/{{id={other}}}/pause", 202)
    caller.call("post", f"/v1/jobs/{{id={other}}}/cancel", 202)
    service.ended(other)
    caller.call("delete", f"/v1/jobs/{{id={other}}}", 204)
    caller.call("delete", f"/v1/models/{{id={model}}}", 204)


def test_the_answers_about_the_service_fit(caller: Caller) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/v1/info", "/v1/workers"):
        caller.call("get", path, 200)
    caller.call("get", "/v1/layers?kind=core", 200)
    caller.call("get", "/v1/ops?kind=core", 200)
    caller.call("get", "/v1/layers/{type=Dense}", 200)
    caller.call("get", "/v1/ops/{op=mean}", 200)
    for collection in COLLECTIONS:
        first = caller.call("get", f"/v1/{collection}", 200)["items"][0]["type"]
        caller.call("get", f"/v1/{collection}/{{name={first}}}", 200)
    caller.call("get", "/v1/losses/{name=msee}", 404)
    caller.call("get", "/v1/layers/{type=Dens}", 404)
    caller.call("get", "/healthz?verbose=1", 422)


def first_fault(document: dict[str, Any], path: str) -> Any:
    """Returns the fault in the example of a refused request."""
    problems = document["paths"][path]["post"]["responses"]["422"]["content"][MEDIA_TYPE]
    return problems["examples"]["invalid-request"]["value"]["errors"][0]


@pytest.mark.slow
def test_the_examples_of_faults_are_what_the_service_says(service: Service) -> None:
    document = create_app().openapi()
    body = example("all_in_one")
    job, graph = body["job"], deepcopy(body["graph"])
    graph["definition"]["nodes"][0]["layer"]["type"] = "Dens"
    media = document["paths"]["/v1/datasets"]["post"]["requestBody"]["content"]
    dataset = deepcopy(media["application/json"]["example"])
    dataset["columns"]["species"].pop()
    model = service.trained(**job)["model"]
    predict = "/v1/models/{id}:predict"
    for path, faulty in {
        "/v1/graphs": graph,
        "/v1/datasets": dataset,
        "/v1/jobs": {**job, "compile": {**job["compile"], "loss": "sparse_crossentropy"}},
        predict: {"instances": [[5.1, 3.5, 1.4]]},
    }.items():
        answer = service.client.post(path.replace("{id}", model), json=faulty)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0] == first_fault(document, path)
