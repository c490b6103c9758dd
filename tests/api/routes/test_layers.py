"""`/v1/layers`: the catalogue has all that a form builder without Keras needs."""

from typing import Any, get_args

import httpx
import pytest
from jsonschema import Draft202012Validator

from domain.catalogue import LayerKind


@pytest.fixture(scope="module")
def everything(server: Any) -> dict[str, Any]:
    answer = server.client.get("/v1/layers")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def references(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return {name for item in schema for name in references(item)}
    if not isinstance(schema, dict):
        return set()
    own = {schema["$ref"]} if isinstance(schema.get("$ref"), str) else set()
    return own | references(list(schema.values()))


def test_all_layers_of_keras_are_on_one_page(everything: dict[str, Any]) -> None:
    own = [item["type"] for item in everything["items"] if item["alias_of"] is None]
    assert len(own) > 130
    assert {item["kind"] for item in everything["items"]} == set(get_args(LayerKind))
    aliases = {item["type"]: item["alias_of"] for item in everything["items"]}
    assert aliases["AvgPool2D"] == "AveragePooling2D"
    assert aliases["GroupQueryAttention"] is None
    reasons = {item["type"]: item["reason"] for item in everything["left_out"]}
    assert "runs code" in reasons["Lambda"]
    assert everything["next_cursor"] is None


def test_the_answer_contains_every_definition_that_a_schema_refers_to(
    everything: dict[str, Any],
) -> None:
    known = {f"#/$defs/{name}" for name in everything["$defs"]}
    for item in everything["items"]:
        Draft202012Validator.check_schema(item["config_schema"])
        assert references(item["config_schema"]) <= known
    assert references(everything["$defs"]) <= known


def test_a_layer_has_a_schema_of_its_config(client: httpx.Client) -> None:
    answer = client.get("/v1/layers/Conv1D")
    assert answer.status_code == 200
    body = answer.json()
    schema = body["config_schema"]
    assert body["kind"] == "convolutional"
    assert body["summary"] == "1D convolution layer (e.g. temporal convolution)."
    assert [item["name"] for item in body["call"]] == ["inputs"]
    assert schema["required"] == ["filters", "kernel_size"]
    padding = schema["properties"]["padding"]
    assert padding["enum"] == ["valid", "same", "causal"]
    assert padding["default"] == "valid"
    assert padding["description"].startswith("string,")
    assert "initializer.HeNormal" in schema["$defs"]
    assert "layer" not in schema["$defs"]
    Draft202012Validator(schema).validate({"filters": 2, "kernel_size": [3], "activation": "relu"})


def test_a_layer_lists_the_arguments_of_its_call(client: httpx.Client) -> None:
    attention = client.get("/v1/layers/MultiHeadAttention").json()["call"]
    fields = {item["name"]: (item["field"], item["takes"], item["required"]) for item in attention}
    assert fields["query"] == ("inputs", "tensor", True)
    assert fields["attention_mask"] == ("inputs", "tensor", False)
    assert fields["use_causal_mask"] == ("call", "flag", False)
    schemas = {item["name"]: item["value_schema"] for item in attention}
    assert schemas["use_causal_mask"] == {"type": "boolean", "default": False}
    assert schemas["training"] == {"type": "boolean"}
    (merged,) = client.get("/v1/layers/Subtract").json()["call"]
    assert (merged["takes"], merged["value_schema"]["maxItems"]) == ("tensors", 2)


def test_the_schema_of_a_wrapper_contains_that_of_layers(client: httpx.Client) -> None:
    schema = client.get("/v1/layers/TimeDistributed").json()["config_schema"]
    validator = Draft202012Validator(schema)
    validator.validate({"layer": {"type": "Dense", "config": {"units": 2}}})
    validator.validate({"layer": "shared"})
    assert not validator.is_valid({"layer": {"config": {}}})


def test_layers_are_filtered_by_kind(client: httpx.Client) -> None:
    body = client.get("/v1/layers", params={"kind": "merging"}).json()
    assert {item["kind"] for item in body["items"]} == {"merging"}
    assert "Concatenate" in {item["type"] for item in body["items"]}
    assert set(body["$defs"]) == {"regularizer"} | {n for n in body["$defs"] if "regularizer." in n}
    assert client.get("/v1/layers", params={"kind": "mergin"}).status_code == 422


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Danse", "There is no layer type 'Danse'. Did you mean 'Dense'?"),
        ("Lambda", "'Lambda' cannot be used. It runs code"),
        ("InputLayer", "the graph's `inputs`"),
        ("__class__", "There is no layer type"),
    ],
)
def test_an_unavailable_layer_type_is_a_404_with_the_reason(
    client: httpx.Client, name: str, words: str
) -> None:
    answer = client.get(f"/v1/layers/{name}")
    assert answer.status_code == 404
    assert words in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/layers", "/v1/layers?kind=rnn", "/v1/layers/Dense"])
def test_an_unchanged_document_is_a_304(client: httpx.Client, path: str) -> None:
    first = client.get(path)
    assert "max-age" in first.headers["cache-control"]
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_document_is_serialized_once(server: Any) -> None:
    catalogue = server.parts.catalogue
    assert catalogue.list_layers() is catalogue.list_layers()
    assert catalogue.list_layers("rnn") is catalogue.list_layers("rnn")
    assert catalogue.get_layer("Dense") is catalogue.get_layer("Dense")
    assert catalogue.get_layer("Dense") is not catalogue.get_layer("Conv1D")
    assert catalogue.list_ops() is catalogue.list_ops()
