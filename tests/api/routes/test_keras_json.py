"""Keras's own JSON: graphs from it, and its export."""

import json
from typing import Any

import httpx
import keras
import pytest

from api.http.json.body import MOST_KEYS
from domain.json.text import count_keys
from tests.api.requests import faults, graph, made


@pytest.fixture(scope="module")
def siamese() -> keras.Model:
    one, other = keras.Input((4,), name="one"), keras.Input((4,), name="other")
    tower = keras.layers.Dense(3, name="towers.dense")
    merged = keras.layers.Concatenate(name="merged")([tower(one), tower(other)])
    return keras.Model([one, other], keras.layers.Dense(1, name="out")(merged))


def post(client: httpx.Client, keras_json: Any, query: str = "") -> httpx.Response:
    return client.post(f"/v1/graphs{query}", json={"name": "twins", "keras_json": keras_json})


def test_keras_json_is_accepted_as_text_and_as_a_value(
    client: httpx.Client, siamese: keras.Model
) -> None:
    text = siamese.to_json()
    body = made(post(client, text))
    assert body["renamed"] == {"towers.dense": "towers_dense"}
    assert "towers_dense" in body["definition"]["layers"]
    assert [node["name"] for node in body["definition"]["nodes"]][:2] == [
        "towers_dense",
        "towers_dense__2",
    ]
    assert body["summary"]["parameters"]["total"] == siamese.count_params()
    assert client.get(f"/v1/graphs/{body['id']}").json() == body
    again = made(post(client, json.loads(text)))
    assert again["digest"] == body["digest"]


def test_validate_only_returns_the_renamed_nodes(
    client: httpx.Client, siamese: keras.Model
) -> None:
    body = made(post(client, siamese.to_json(), "?validate_only=true"), 200)
    assert body["renamed"] == {"towers.dense": "towers_dense"}
    assert "id" not in body


def test_plain_keras_loads_the_exported_json(client: httpx.Client, siamese: keras.Model) -> None:
    identifier = made(post(client, siamese.to_json()))["id"]
    answer = client.get(f"/v1/graphs/{identifier}/keras-json")
    assert answer.headers["content-type"] == "application/json"
    loaded = keras.models.model_from_json(answer.text)
    assert loaded.count_params() == siamese.count_params()
    assert [tensor.name for tensor in loaded.inputs] == ["one", "other"]


def test_faults_point_into_the_keras_json(client: httpx.Client, siamese: keras.Model) -> None:
    document = json.loads(siamese.to_json())
    places = {item["name"]: i for i, item in enumerate(document["config"]["layers"])}
    tower, merged = (places[name] for name in ("towers.dense", "merged"))
    layers = document["config"]["layers"]
    layers[tower]["config"]["units"] = -3
    layers[merged]["config"]["axis"] = "last"
    assert list(faults(post(client, document))) == [
        f"/keras_json/config/layers/{tower}/config/units",
        f"/keras_json/config/layers/{merged}/config/axis",
    ]
    answer = post(client, json.dumps(document)).json()
    assert [fault["pointer"] for fault in answer["errors"]] == ["/keras_json", "/keras_json"]
    assert answer["errors"][0]["detail"].startswith(f"At /config/layers/{tower}/config/units: ")


def test_shape_faults_point_into_the_keras_json(client: httpx.Client, siamese: keras.Model) -> None:
    document = json.loads(siamese.to_json())
    place = next(i for i, x in enumerate(document["config"]["layers"]) if x["name"] == "merged")
    document["config"]["layers"][place]["config"]["axis"] = 7
    (pointer,) = faults(post(client, document))
    assert pointer.startswith(f"/keras_json/config/layers/{place}")


@pytest.mark.parametrize("keras_json", ["", "nonsense", "[]", "{}", {}, {"class_name": "Model"}])
def test_json_that_is_not_a_model_is_rejected(client: httpx.Client, keras_json: Any) -> None:
    assert all(p.startswith("/keras_json") for p in faults(post(client, keras_json)))


def test_a_graph_that_keras_json_cannot_express_is_not_exported(client: httpx.Client) -> None:
    shared = {"type": "Dense", "config": {"units": 4}}
    inner = graph("shared")
    definition = graph({"type": "Graph", "graph": inner}, layers={"shared": shared})
    definition["nodes"].append({"name": "z", "layer": "shared", "inputs": "x"})
    definition["outputs"].append("z")
    identifier = made(client.post("/v1/graphs", json={"definition": definition}))["id"]
    found = faults(client.get(f"/v1/graphs/{identifier}/keras-json"))
    assert "/definition/nodes/1/layer" in found or "/definition/nodes/1" in found
    assert any(pointer.startswith("/definition/nodes/0") for pointer in found)


def test_an_unknown_graph_has_no_keras_json(client: httpx.Client) -> None:
    assert client.get(f"/v1/graphs/graph_{'0' * 26}/keras-json").status_code == 404


def test_a_body_of_four_mebibytes_may_be_kerass_own_json() -> None:
    x = keras.Input((4,))
    y = x
    for _ in range(20):
        y = keras.layers.BatchNormalization()(keras.layers.Dense(4, activation="relu")(y))
        y = keras.layers.Add()([y, keras.layers.Dropout(0.5)(y)])
    raw = keras.Model(x, y).to_json().encode()
    assert count_keys(raw) / len(raw) * 4 * 2**20 < MOST_KEYS
