"""`/v1/ops`: the functions that a node may call."""

from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from tests.api.requests import faults


def one(client: httpx.Client, op: str) -> dict[str, Any]:
    answer = client.get(f"/v1/ops/{op}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.slow
def test_every_function_is_listed_and_has_its_own_document(client: httpx.Client) -> None:
    body = client.get("/v1/ops").json()
    names = [item["op"] for item in body["items"]]
    assert {"add", "mean", "einsum", "concatenate", "image.resize"} <= set(names)
    assert not {item["op"] for item in body["left_out"]} & set(names)
    assert one(client, "mean") in body["items"]
    for item in body["items"]:
        Draft202012Validator.check_schema(item["config_schema"])
        assert item["summary"]


def test_a_function_has_its_tensors_and_constants(client: httpx.Client) -> None:
    mean = one(client, "mean")
    inputs = [{"name": "x", "required": True, "takes": "tensor", "description": "Input tensor."}]
    assert mean["inputs"] == inputs
    assert mean["config_schema"]["properties"]["keepdims"]["default"] is False
    assert one(client, "concatenate")["inputs"][0]["takes"] == "tensors"


@pytest.mark.parametrize(
    ("config", "fits"),
    [
        ({"x2": 2.0}, True),
        ({"x2": [[1.0], [2.0]]}, True),
        ({"x2": "text"}, False),
        ({"x3": 1.0}, False),
    ],
)
def test_the_schema_of_a_function_checks_its_constants(
    client: httpx.Client, config: Any, fits: bool
) -> None:
    schema = one(client, "add")["config_schema"]
    assert Draft202012Validator(schema).is_valid(config) is fits


def test_functions_are_filtered_by_kind(client: httpx.Client) -> None:
    items = client.get("/v1/ops", params={"kind": "linalg"}).json()["items"]
    assert {item["kind"] for item in items} == {"linalg"}
    faults(client.get("/v1/ops", params={"kind": "nonsense"}))


def test_an_unavailable_function_is_a_404_with_the_reason(client: httpx.Client) -> None:
    for op, words in (("switch", "none of the client's"), ("meen", "Did you mean 'mean'?")):
        answer = client.get(f"/v1/ops/{op}")
        assert answer.status_code == 404
        assert words in answer.json()["detail"]


def test_an_unchanged_function_list_is_a_304(client: httpx.Client) -> None:
    etag = client.get("/v1/ops").headers["etag"]
    assert client.get("/v1/ops", headers={"If-None-Match": etag}).status_code == 304
