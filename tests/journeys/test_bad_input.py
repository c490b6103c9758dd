"""Each bad request is answered by a problem document and changes nothing."""

import io
import json
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from tests.support.service import ROOT, Service

DENSE = {"type": "Dense", "config": {"units": 10, "activation": "softmax"}}


def graph(layer: Any = DENSE, **changes: Any) -> dict[str, Any]:
    return {
        "inputs": [{"name": "x", "shape": [4]}],
        "nodes": [{"name": "y", "layer": layer, "inputs": "x"}],
        "outputs": ["y"],
        **changes,
    }


@pytest.fixture(autouse=True)
def nothing_left_behind(service: Service) -> Iterator[None]:
    def kept() -> list[Any]:
        lists = ("graphs", "datasets", "jobs", "models")
        return [service.client.get(f"/v1/{name}").json()["items"] for name in lists]

    before, scratch_before = kept(), service.scratch()
    yield
    assert kept() == before
    assert service.scratch() == scratch_before


@pytest.fixture(scope="module")
def dataset(service: Service) -> str:
    draw = np.random.default_rng(3)
    return service.dataset(
        {"x": draw.random((20, 4)), "y": np.arange(20) % 12, "wide": draw.random((20, 5))}
    )


def problem(answer: httpx.Response, status: int, pointer: str | None = None) -> str:
    """Checks the form of the problem document and returns the detail of the fault at `pointer`."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    document = answer.json()
    assert {"type", "title", "status", "detail", "instance"} <= document.keys()
    assert document["status"] == status
    assert "Traceback" not in answer.text
    assert str(ROOT) not in answer.text
    assert "site-packages" not in answer.text
    if pointer is None:
        return str(document["detail"])
    details = {error["pointer"]: error["detail"] for error in document["errors"]}
    assert pointer in details, details
    return str(details[pointer])


def post_graph(service: Service, definition: Any) -> httpx.Response:
    return service.client.post("/v1/graphs", json={"definition": definition})


def post_job(service: Service, dataset: str, **changes: Any) -> httpx.Response:
    request = {
        "graph": graph(),
        "dataset": dataset,
        "compile": {"loss": "sparse_categorical_crossentropy"},
        **changes,
    }
    return service.client.post("/v1/jobs", json=request)


JSON = {"Content-Type": "application/json"}


def test_broken_json(service: Service) -> None:
    for path in ("/v1/graphs", "/v1/jobs", "/v1/datasets"):
        answer = service.client.post(path, content=b'{"columns": {"x": [1, 2', headers=JSON)
        problem(answer, 400)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_numbers_that_are_not_json(service: Service, number: str) -> None:
    body = f'{{"columns": {{"x": [1.5, {number}]}}}}'.encode()
    answer = service.client.post("/v1/datasets", content=body, headers=JSON)
    assert answer.status_code in (400, 422), answer.text
    problem(answer, answer.status_code)


def test_wrong_types(service: Service) -> None:
    definition = graph(inputs=[{"name": "x", "shape": "4"}])
    problem(post_graph(service, definition), 422, "/definition/inputs/0/shape")


def test_an_unknown_layer_type(service: Service) -> None:
    answer = post_graph(service, graph({"type": "Dens"}))
    assert "Dense" in problem(answer, 422, "/definition/nodes/0/layer/type")


def test_the_fault_of_a_misspelt_argument_names_the_nearest_one(service: Service) -> None:
    answer = post_graph(service, graph({"type": "Dense", "config": {"unit": 3}}))
    assert "units" in problem(answer, 422, "/definition/nodes/0/layer/config/unit")


def test_shapes_that_do_not_match(service: Service) -> None:
    answer = post_graph(service, graph({"type": "LSTM", "config": {"units": 3}}))
    assert "3" in problem(answer, 422, "/definition/nodes/0")


def test_columns_that_differ_in_rows(service: Service) -> None:
    body = {"columns": {"x": [1, 2, 3], "y": [1, 2]}}
    problem(service.client.post("/v1/datasets", json=body), 422, "/columns/y")


def test_ragged_rows(service: Service) -> None:
    body = {"columns": {"x": [[1, 2], [3, 4], [5]]}}
    problem(service.client.post("/v1/datasets", json=body), 422, "/columns/x/2")


def test_an_object_array(service: Service) -> None:
    archive = io.BytesIO()
    np.savez(archive, x=np.array([{"a": 1}, None], dtype=object))
    headers = {"Content-Type": "application/x-npz"}
    answer = service.client.post("/v1/datasets", content=archive.getvalue(), headers=headers)
    assert "object" in problem(answer, 422, "/columns/x")


def test_a_feed_to_a_missing_column(service: Service, dataset: str) -> None:
    answer = post_job(service, dataset, feed={"inputs": {"x": "xx"}})
    assert "Did you mean 'x'?" in problem(answer, 422, "/feed/inputs/x")


def test_a_class_index_beyond_the_softmax(service: Service, dataset: str) -> None:
    detail = problem(post_job(service, dataset), 422, "/feed/targets")
    assert "11" in detail
    assert "10" in detail


def test_a_loss_that_does_not_fit_its_output(service: Service, dataset: str) -> None:
    answer = post_job(
        service,
        dataset,
        feed={"targets": {"y": "wide"}},
        compile={"loss": {"y": "categorical_crossentropy"}},
    )
    document = answer.json()
    assert answer.status_code == 422, answer.text
    assert {e["pointer"] for e in document["errors"]} & {"/compile/loss/y", "/feed/targets/y"}


def test_no_epochs(service: Service, dataset: str) -> None:
    problem(post_job(service, dataset, fit={"epochs": 0}), 422, "/fit/epochs")


def test_a_dense_of_a_billion_units(service: Service) -> None:
    answer = post_graph(service, graph({"type": "Dense", "config": {"units": 10**9}}))
    detail = json.dumps(answer.json())
    problem(answer, 422)
    assert "MAX_" in detail
    assert "/definition/nodes/0" in detail


def test_a_body_over_the_limit_is_rejected_before_it_is_read(service: Service) -> None:
    limits = service.client.get("/v1/info").json()["limits"]
    head = {**JSON, "Content-Length": str(limits["max_json_bytes"] + 1)}

    def unread() -> Iterator[bytes]:
        yield b"{"
        raise AssertionError("the body was read on")

    with httpx.Client(base_url=service.address) as client:
        request = client.build_request("POST", "/v1/graphs", content=unread(), headers=head)
        try:
            answer = client.send(request)
        except AssertionError:
            answer = _early_answer(service, head)
    problem(answer, 413)


def _early_answer(service: Service, head: dict[str, str]) -> httpx.Response:
    """The server's answer to the headers of a request, before the body is sent."""
    import socket

    host, port = service.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        lines = [f"{name}: {value}" for name, value in head.items()]
        text = "\r\n".join(["POST /v1/graphs HTTP/1.1", f"Host: {host}:{port}", *lines, "", ""])
        connection.sendall(text.encode())
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
            if b"\r\n\r\n" in received and received.rstrip().endswith(b"}"):
                break
    headers, _, body = received.partition(b"\r\n\r\n")
    status = int(headers.split()[1])
    content_type = next(
        line.split(b":", 1)[1].strip().decode()
        for line in headers.splitlines()
        if line.lower().startswith(b"content-type")
    )
    return httpx.Response(status, content=body, headers={"content-type": content_type})


def test_a_graph_ten_thousand_levels_deep(service: Service) -> None:
    deep = '{"type": "Graph", "graph": {"inputs": [{"name": "x", "shape": [4]}], "nodes": '
    deep += '[{"name": "y", "inputs": "x", "layer": '
    text = deep * 10_000 + '{"type": "Dense"}' + '}], "outputs": ["y"]}}' * 10_000
    body = '{"definition": {"inputs": [{"name": "x", "shape": [4]}], "nodes": [{"name": "y", '
    body += '"inputs": "x", "layer": ' + text + '}], "outputs": ["y"]}}'
    answer = service.client.post("/v1/graphs", content=body.encode(), headers=JSON)
    assert answer.status_code in (400, 422)
    problem(answer, answer.status_code)


def test_a_graph_nested_beyond_the_limit(service: Service) -> None:
    layer: Any = DENSE
    for _ in range(33):
        layer = {"type": "Graph", "graph": graph(layer)}
    answer = post_graph(service, graph(layer))
    assert "MAX_GRAPH_DEPTH" in json.dumps(answer.json())
    problem(answer, 422)
