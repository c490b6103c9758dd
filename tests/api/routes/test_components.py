"""`/v1/optimizers` and the other catalogues of components."""

from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from domain.catalogue import COLLECTIONS


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_component_is_listed_and_has_its_own_document(
    client: httpx.Client, collection: str
) -> None:
    answer = client.get(f"/v1/{collection}")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["next_cursor"] is None
    assert {item["kind"] for item in body["items"]} == {COLLECTIONS[collection]}
    item = body["items"][0]
    one = client.get(f"/v1/{collection}/{item['type']}").json()
    assert {**one, "config_schema": None} == {**item, "config_schema": None}
    Draft202012Validator.check_schema(one["config_schema"])


def test_an_optimizer_has_a_complete_schema_and_an_example(client: httpx.Client) -> None:
    adam = client.get("/v1/optimizers/Adam").json()
    assert adam["names"] == ["Adam", "adam"]
    assert adam["example"] == {"type": "Adam", "config": {"learning_rate": 0.001}}
    assert "/keras/src/optimizers/adam.py" in adam["url"]
    schema = adam["config_schema"]
    assert schema["properties"]["beta_1"]["default"] == 0.9
    assert "schedule.ExponentialDecay" in schema["$defs"]
    checked = Draft202012Validator(schema)
    decay: dict[str, Any] = {"type": "ExponentialDecay", "config": {"decay_rate": 0.5}}
    assert not checked.is_valid({"learning_rate": decay})
    decay["config"] |= {"initial_learning_rate": 0.1, "decay_steps": 10}
    assert checked.is_valid({"learning_rate": decay})


def test_a_component_is_found_by_each_of_its_names(client: httpx.Client) -> None:
    for name in ("MeanSquaredError", "mean_squared_error", "mse", "MSE"):
        assert client.get(f"/v1/losses/{name}").json()["type"] == "MeanSquaredError"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (
            "optimizers/Adan",
            "There is no optimizer 'Adan'. Did you mean 'adam'? There are",
        ),
        ("callbacks/LambdaCallback", "'LambdaCallback' cannot be used. It takes a function"),
        ("schedules/x", "There are 'CosineDecay', 'CosineDecayRestarts', 'ExponentialDecay'"),
        ("losses/__class__", "There is no loss"),
    ],
)
def test_an_unavailable_component_is_a_404_with_the_reason(
    client: httpx.Client, path: str, words: str
) -> None:
    answer = client.get(f"/v1/{path}")
    assert answer.status_code == 404
    assert words in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/losses", "/v1/losses/mse"])
def test_an_unchanged_document_is_a_304(client: httpx.Client, path: str) -> None:
    first = client.get(path)
    assert "max-age" in first.headers["cache-control"]
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(path, params={"kind": "x"}).status_code == 422
