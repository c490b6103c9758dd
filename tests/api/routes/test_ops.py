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


def test_every_function_is_listed_and_given_alone(client: httpx.Client) -> None:
    body = client.get("/v1/ops").json()
    names = [item["op"] for item in body["items"]]
    assert {"add", "mean", "einsum", "concatenate", "image.resize"} <= set(names)
    assert not {item["op"] for item in body["left_out"]} & set(names)
    assert one(client, "mean") in body["items"]
    for item in body["items"]:
        Draft202012Validator.check_schema(item["config_schema"])
        assert item["summary"]


def test_a_function_tells_its_tensors_and_constants(client: httpx.Client) -> None:
    mean = one(client, "mean")
    said = [{"name": "x", "required": True, "takes": "tensor", "description": "Input tensor."}]
    assert mean["inputs"] == said
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
def test_a_schema_holds_what_it_refers_to(client: httpx.Client, config: Any, fits: bool) -> None:
    schema = one(client, "add")["config_schema"]
    assert Draft202012Validator(schema).is_valid(config) is fits


def test_one_kind_alone(client: httpx.Client) -> None:
    items = client.get("/v1/ops", params={"kind": "linalg"}).json()["items"]
    assert {item["kind"] for item in items} == {"linalg"}
    faults(client.get("/v1/ops", params={"kind": "nonsense"}))


def test_what_is_not_there_says_why(client: httpx.Client) -> None:
    for op, words in (("switch", "none of the client's"), ("meen", "Did you mean 'mean'?")):
        answer = client.get(f"/v1/ops/{op}")
        assert answer.status_code == 404
        assert words in answer.json()["detail"]


def test_what_has_not_changed_is_not_sent_again(client: httpx.Client) -> None:
    etag = client.get("/v1/ops").headers["etag"]
    assert client.get("/v1/ops", headers={"If-None-Match": etag}).status_code == 304
