"""The catalogue over HTTP: enough for a form builder that knows nothing of Keras."""

from typing import Any, get_args

import httpx
import pytest
from jsonschema import Draft202012Validator

from domain.catalogue import LayerKind


@pytest.fixture(scope="module")
def everything(server: Any) -> dict[str, Any]:
    answer = server.client.get("/v1/layers")
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def references(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return {name for item in schema for name in references(item)}
    if not isinstance(schema, dict):
        return set()
    own = {schema["$ref"]} if isinstance(schema.get("$ref"), str) else set()
    return own | references(list(schema.values()))


def test_all_of_keras_s_layers_on_one_page(everything: dict[str, Any]) -> None:
    own = [item["type"] for item in everything["items"] if item["alias_of"] is None]
    assert len(own) > 130
    assert {item["kind"] for item in everything["items"]} == set(get_args(LayerKind))
    aliases = {item["type"]: item["alias_of"] for item in everything["items"]}
    assert aliases["AvgPool2D"] == "AveragePooling2D"
    assert aliases["GroupQueryAttention"] is None
    reasons = {item["type"]: item["reason"] for item in everything["left_out"]}
    assert "runs code" in reasons["Lambda"]
    assert everything["next_cursor"] is None


def test_every_schema_resolves_in_the_answer(everything: dict[str, Any]) -> None:
    known = {f"#/$defs/{name}" for name in everything["$defs"]}
    for item in everything["items"]:
        Draft202012Validator.check_schema(item["config_schema"])
        assert references(item["config_schema"]) <= known
    assert references(everything["$defs"]) <= known


def test_a_form_is_drawn_from_one_layer(client: httpx.Client) -> None:
    answer = client.get("/v1/layers/Conv1D")
    assert answer.status_code == 200
    said = answer.json()
    schema = said["config_schema"]
    assert said["kind"] == "convolutional"
    assert said["summary"] == "1D convolution layer (e.g. temporal convolution)."
    assert [item["name"] for item in said["call"]] == ["inputs"]
    assert schema["required"] == ["filters", "kernel_size"]
    padding = schema["properties"]["padding"]
    assert padding["enum"] == ["valid", "same", "causal"]
    assert padding["default"] == "valid"
    assert padding["description"].startswith("string,")
    assert "initializer.HeNormal" in schema["$defs"]
    assert "layer" not in schema["$defs"]
    Draft202012Validator(schema).validate({"filters": 2, "kernel_size": [3], "activation": "relu"})


def test_an_editor_knows_where_each_argument_of_a_call_goes(client: httpx.Client) -> None:
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


def test_a_wrapper_s_schema_holds_the_language_of_layers(client: httpx.Client) -> None:
    schema = client.get("/v1/layers/TimeDistributed").json()["config_schema"]
    validator = Draft202012Validator(schema)
    validator.validate({"layer": {"type": "Dense", "config": {"units": 2}}})
    validator.validate({"layer": "shared"})
    assert not validator.is_valid({"layer": {"config": {}}})


def test_of_one_kind(client: httpx.Client) -> None:
    said = client.get("/v1/layers", params={"kind": "merging"}).json()
    assert {item["kind"] for item in said["items"]} == {"merging"}
    assert "Concatenate" in {item["type"] for item in said["items"]}
    assert set(said["$defs"]) == {"regularizer"} | {n for n in said["$defs"] if "regularizer." in n}
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
def test_types_that_are_not_offered(client: httpx.Client, name: str, words: str) -> None:
    answer = client.get(f"/v1/layers/{name}")
    assert answer.status_code == 404
    assert words in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/layers", "/v1/layers?kind=rnn", "/v1/layers/Dense"])
def test_who_has_it_already_is_told_so(client: httpx.Client, path: str) -> None:
    first = client.get(path)
    assert "max-age" in first.headers["cache-control"]
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_an_answer_is_written_once(server: Any) -> None:
    catalogue = server.parts.catalogue
    assert catalogue.layers() is catalogue.layers()
    assert catalogue.layers("rnn") is catalogue.layers("rnn")
    assert catalogue.layer("Dense") is catalogue.layer("Dense")
    assert catalogue.layer("Dense") is not catalogue.layer("Conv1D")
    assert catalogue.ops() is catalogue.ops()
