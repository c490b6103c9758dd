"""The four models of the README, from POST to prediction, by HTTP alone."""

from typing import Any

import numpy as np
import pytest

from tests.support.example_bodies import dense_data, example, headlines, same, tensors, tweets
from tests.support.service import Service

FIT = {"epochs": 2, "batch_size": 32}


@pytest.fixture(scope="module")
def dense(service: Service) -> dict[str, Any]:
    """The job of model 1 after its success."""
    body = example("dense")
    graph = service.client.post("/v1/graphs", json=body["graph"]).json()
    return service.trained(
        graph=graph["id"],
        dataset=service.dataset(dense_data()),
        feed=body["job"]["feed"],
        compile=body["job"]["compile"],
        fit=FIT,
        seed=7,
    )


def predicted(service: Service, model_id: str, instances: Any) -> Any:
    answer = service.client.post(f"/v1/models/{model_id}:predict", json={"instances": instances})
    assert answer.status_code == 200, answer.text
    return np.array(answer.json()["predictions"])


def test_a_dense_model_is_trained_stored_and_used(service: Service, dense: dict[str, Any]) -> None:
    assert dense["progress"]["fraction"] == 1.0
    assert dense["progress"]["epoch"] == 2
    history = service.client.get(f"/v1/jobs/{dense['id']}/history").json()["epochs"]
    assert [epoch["epoch"] for epoch in history] == [1, 2]
    assert history[1]["metrics"]["loss"] < history[0]["metrics"]["loss"]
    assert dense["metrics"].keys() == {"loss", "accuracy"}
    model = service.client.get(f"/v1/models/{dense['model']}").json()
    assert model["parameters"]["total"] == 784 * 64 + 64 + 64 * 64 + 64 + 64 * 10 + 10
    assert model["files_left_out"] == []
    names = {file["name"] for file in model["files"]}
    assert names == {
        *("model.keras", "model.weights.h5", "model.safetensors"),
        *("history.json", "optimizer.safetensors"),
    }
    rows = dense_data(3)["picture"].tolist()
    answers = predicted(service, dense["model"], rows)
    assert answers.shape == (3, 10)
    assert np.allclose(answers.sum(axis=1), 1, atol=1e-5)


def test_several_inputs_and_outputs_by_lists_and_by_names_are_equal(service: Service) -> None:
    body = example("multi_input")
    graph = service.client.post("/v1/graphs", json=body["graph"]).json()
    dataset = service.dataset(headlines(), dtypes={"headline": "int32"})
    common = {"graph": graph["id"], "dataset": dataset, "fit": FIT, "seed": 11}
    by_list = service.trained(
        **common,
        feed={"inputs": ["headline", "extra"], "targets": ["label", "label"]},
        compile={
            "optimizer": "rmsprop",
            "loss": ["binary_crossentropy", "binary_crossentropy"],
            "loss_weights": [1.0, 0.2],
        },
    )
    by_name = service.trained(
        **common,
        feed={
            "inputs": {"aux_input": "extra", "main_input": "headline"},
            "targets": {"aux_output": "label", "main_output": "label"},
        },
        compile={
            "optimizer": "rmsprop",
            "loss": {"aux_output": "binary_crossentropy", "main_output": "binary_crossentropy"},
            "loss_weights": {"aux_output": 0.2, "main_output": 1.0},
        },
    )
    assert by_list["metrics"].keys() == {"loss", "main_output_loss", "aux_output_loss"}
    assert by_list["metrics"] == by_name["metrics"]
    main, aux = by_list["metrics"]["main_output_loss"], by_list["metrics"]["aux_output_loss"]
    assert by_list["metrics"]["loss"] == pytest.approx(main + 0.2 * aux, rel=1e-5)
    one = service.file(by_list["model"], "model.safetensors")
    assert same(one, service.file(by_name["model"], "model.safetensors"))
    model = service.client.get(f"/v1/models/{by_list['model']}").json()
    assert [output["name"] for output in model["signature"]["outputs"]] == [
        "main_output",
        "aux_output",
    ]


def test_a_shared_lstm_counts_once(service: Service) -> None:
    body = example("shared_lstm")
    graph = service.client.post("/v1/graphs", json=body["graph"]).json()
    lstm = 4 * 64 * (256 + 64 + 1)
    assert graph["summary"]["parameters"]["total"] == lstm + 64 * 2 + 1
    job = service.trained(
        graph=graph["id"],
        dataset=service.dataset(tweets()),
        compile=body["job"]["compile"],
        fit={"epochs": 1, "batch_size": 8},
        seed=7,
    )
    weights = tensors(service.file(job["model"], "model.safetensors"))
    parameters = [array for array in weights.values() if array.dtype == np.float32]
    assert sum(array.size for array in parameters) == lstm + 64 * 2 + 1
    two = tweets(2)
    rows = [{n: two[n][i].tolist() for n in ("tweet_a", "tweet_b")} for i in range(2)]
    assert predicted(service, job["model"], rows).shape == (2, 1)


def over(source: str, shape: list[int], layer: dict[str, Any]) -> dict[str, Any]:
    return {
        "inputs": [{"name": "picture", "shape": shape}],
        "nodes": [{"name": "read", "layer": layer, "inputs": "picture"}],
        "outputs": ["read"],
    }


def test_a_trained_model_as_a_layer_predicts_exactly_the_same(
    service: Service, dense: dict[str, Any]
) -> None:
    layer = {"type": "Model", "model": dense["model"]}
    built = service.trained(kind="build", graph=over(dense["model"], [784], layer))
    rows = dense_data(4)["picture"].tolist()
    expected = predicted(service, dense["model"], rows)
    assert np.array_equal(predicted(service, built["model"], rows), expected)


def test_training_does_not_change_a_frozen_model_layer(
    service: Service, dense: dict[str, Any]
) -> None:
    body = example("model_as_layer")
    graph = _with_model(body["graph"]["definition"], dense["model"])
    job = service.trained(
        graph=graph,
        dataset=service.dataset(dense_data()),
        feed=body["job"]["feed"],
        compile=body["job"]["compile"],
        fit=FIT,
        seed=7,
    )
    before = tensors(service.file(dense["model"], "model.safetensors"))
    after = tensors(service.file(job["model"], "model.safetensors"))
    inner = {key: value for key, value in after.items() if _ends_as(key, before)}
    assert len(inner) == len(before)
    for key, value in inner.items():
        assert np.array_equal(value, before[_ends_as(key, before)])
    summary = service.client.get(f"/v1/models/{job['model']}").json()["parameters"]
    assert summary["non_trainable"] == sum(array.size for array in before.values())


def _ends_as(key: str, known: dict[str, Any]) -> str:
    return next((name for name in known if key.endswith(f"/{name}")), "")


def _with_model(definition: Any, model_id: str) -> Any:
    """The example's definition, with the id of a real model in place of its placeholder."""
    if isinstance(definition, dict):
        return {
            key: model_id if key == "model" else _with_model(value, model_id)
            for key, value in definition.items()
        }
    if isinstance(definition, list):
        return [_with_model(item, model_id) for item in definition]
    return definition


def test_a_model_layer_inside_time_distributed(service: Service, dense: dict[str, Any]) -> None:
    wrapper = {
        "type": "TimeDistributed",
        "config": {"layer": {"type": "Model", "model": dense["model"]}},
    }
    graph = service.client.post(
        "/v1/graphs", json={"definition": over(dense["model"], [20, 784], wrapper)}
    ).json()
    assert graph["summary"]["outputs"][0]["shape"] == [None, 20, 10]
    built = service.trained(kind="build", graph=graph["id"])
    pictures = dense_data(20)["picture"]
    answer = predicted(service, built["model"], [pictures.tolist()])
    assert answer.shape == (1, 20, 10)
    alone = predicted(service, dense["model"], pictures.tolist())
    assert np.allclose(answer[0], alone, atol=1e-6)
