"""The weightless check: exact figures, no memory, faults in their places."""

import json
import time
from typing import Any

import keras
import numpy as np
import psutil
import pytest

from compiler.entrypoints import check_graph
from domain.graph.language import Blueprint, GraphDefinition
from domain.graph.rules import faults_of
from domain.job.job import JobRequest
from domain.job.resolve import resolve
from tests.compiler.graphs import MODEL, built, graph, layer, nested, node
from tests.support.example_bodies import example

SOURCES = {MODEL: {"definition": example("dense")["graph"]["definition"]}}


def checked(
    definition: Any, limits: Any = None, training: Any = None, sources: Any = None
) -> dict[str, Any]:
    blueprint = {"definition": definition, "sources": sources or {}}
    request = {"blueprint": blueprint, "limits": limits or {}, "training": training}
    said: dict[str, Any] = json.loads(check_graph(json.dumps(request)))
    return said


def dense(units: int) -> dict[str, Any]:
    return graph({"x": [784]}, [node("d", layer("Dense", units=units), "x")], ["d"])


def test_the_summary_of_the_multi_input_model() -> None:
    summary = checked(example("multi_input")["graph"]["definition"])["summary"]
    assert summary["inputs"] == [
        {"name": "main_input", "shape": [None, 100], "dtype": "int32"},
        {"name": "aux_input", "shape": [None, 5], "dtype": "float32"},
    ]
    assert [output["name"] for output in summary["outputs"]] == ["main_output", "aux_output"]
    nodes = {item["name"]: (item["shape"], item["parameters"]) for item in summary["nodes"]}
    assert nodes["embedding"] == ([None, 100, 512], 10000 * 512)
    assert nodes["lstm"] == ([None, 32], 4 * 32 * (512 + 32 + 1))
    assert nodes["merged"] == ([None, 37], 0)
    total = sum(parameters for _, parameters in nodes.values())
    assert summary["parameters"] == {"total": total, "trainable": total, "non_trainable": 0}
    values = 100 * 512 + 32 + 1 + 37 + 3 * 64 + 1
    assert summary["bytes"] == {"weights": 4 * total, "activations_per_row": 4 * values}


@pytest.mark.parametrize("name", ["dense", "multi_input", "shared_lstm", "model_as_layer"])
def test_the_figures_are_those_of_the_real_model(name: str) -> None:
    definition = example(name)["graph"]["definition"]
    summary = checked(definition, sources=SOURCES)["summary"]
    sources = {MODEL: Blueprint.model_validate(SOURCES[MODEL])}
    model = built(definition, sources).model
    assert summary["parameters"]["total"] == model.count_params()
    trainable = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    assert summary["parameters"]["trainable"] == trainable
    assert [tuple(o["shape"]) for o in summary["outputs"]] == [
        model.output[o["name"]].shape for o in summary["outputs"]
    ]


def test_a_shared_layer_counts_once_and_several_tensors_have_several_shapes() -> None:
    lstm = layer("LSTM", units=3, return_state=True)
    definition = graph(
        {"x": [None, 4]},
        [node("a", "lstm", "x"), node("b", "lstm", {"sequences": "x", "initial_state": PAIR})],
        [{"name": "end", "from": "b:0"}],
        lstm=lstm,
    )
    summary = checked(definition)["summary"]
    assert [item["shape"] for item in summary["nodes"]] == [[[None, 3]] * 3] * 2
    assert [item["parameters"] for item in summary["nodes"]] == [96, 96]
    assert summary["parameters"]["total"] == 96
    assert summary["bytes"]["activations_per_row"] == 2 * 3 * 3 * 4


PAIR = ["a:1", "a:2"]


def test_moving_statistics_count_but_do_not_train() -> None:
    definition = graph({"x": [4]}, [node("n", layer("BatchNormalization"), "x")], ["n"])
    parameters = checked(definition)["summary"]["parameters"]
    assert parameters == {"total": 16, "trainable": 8, "non_trainable": 8}


def test_activations_of_nested_graphs_count_at_every_call() -> None:
    inner = graph(
        {"y": [4]},
        [node("wide", layer("Dense", units=100), "y"), node("n", layer("Dense", units=4), "wide")],
        ["n"],
    )
    nodes = [node("one", "twice", "x"), node("two", "twice", "one")]
    summary = checked(graph({"x": [4]}, nodes, ["two"], twice=nested(inner)))["summary"]
    assert summary["bytes"]["activations_per_row"] == 2 * (100 + 4) * 4
    assert [item["layer"] for item in summary["nodes"]] == ["Graph", "Graph"]


def test_a_dense_of_a_billion_units_is_answered_without_its_weights() -> None:
    limits = {"parameters": 500_000_000}
    checked(dense(10))
    before, began = psutil.Process().memory_info().rss, time.monotonic()
    said = checked(dense(10**9), limits)
    assert time.monotonic() - began < 1
    assert psutil.Process().memory_info().rss - before < 20_000_000
    detail = (
        "This brings the graph to 785,000,000,000 parameters; "
        "at most 500,000,000 are allowed (MAX_PARAMETERS)."
    )
    assert said["faults"] == [{"pointer": "/nodes/0", "detail": detail}]
    assert said["summary"] is None
    assert checked(dense(10**9))["summary"]["parameters"]["total"] == 785_000_000_000
    keras.layers.Dense(2)(keras.Input((3,)))  # leaves no variable behind that this would make
    assert psutil.Process().memory_info().rss - before < 20_000_000


def test_the_node_that_goes_over_a_limit_is_named() -> None:
    inner = graph({"y": [10]}, [node("big", layer("Dense", units=50), "y")], ["big"])
    definition = graph(
        {"x": [10]},
        [
            node("small", layer("Dense", units=10), "x"),
            node("nested", nested(inner), "small"),
            node("more", layer("Dense", units=10), "nested"),
        ],
        ["more"],
    )
    by_count = checked(definition, {"parameters": 200})["faults"]
    assert [fault["pointer"] for fault in by_count] == ["/nodes/1/layer/graph/nodes/0"]
    assert "660 parameters; at most 200" in by_count[0]["detail"]
    by_bytes = checked(definition, {"weight_bytes": 2000})["faults"]
    assert "MAX_WEIGHT_BYTES" in by_bytes[0]["detail"]
    by_row = checked(definition, {"activation_bytes": 100})["faults"]
    assert [fault["pointer"] for fault in by_row] == ["/nodes/1"]
    assert "240 bytes of activations a row" in by_row[0]["detail"]


def test_a_model_layer_that_goes_over_is_named_itself() -> None:
    said = checked(
        example("model_as_layer")["graph"]["definition"], {"parameters": 1000}, sources=SOURCES
    )
    assert [fault["pointer"] for fault in said["faults"]] == ["/nodes/0"]


def test_a_chain_of_two_thousand() -> None:
    nodes = [node(f"n{i}", layer("Dense", units=2), f"n{i - 1}" if i else "x") for i in range(2000)]
    began = time.monotonic()
    summary = checked(graph({"x": [2]}, nodes, ["n1999"]))["summary"]
    assert summary["parameters"]["total"] == 2000 * 6
    assert time.monotonic() - began < 30


TRAINING: dict[str, Any] = {
    "recipe": {
        "optimizer": "rmsprop",
        "jit_compile": False,
        "inputs": {"x": "x"},
        "outputs": {"d": {"loss": "sparse_categorical_crossentropy", "target": "y"}},
    },
    "columns": {"y": {"dtype": "int64", "shape": []}},
}


def trained(
    units: int, *, loss: Any = None, metrics: Any = (), target: Any = ("int64", []), **more: Any
) -> dict[str, str]:
    """The faults of a training of one dense layer, by pointer."""
    part = {"loss": loss, "metrics": list(metrics), "target": "y"}
    recipe = {**TRAINING["recipe"], "outputs": {"d": part}, **more.pop("recipe", {})}
    columns = {"y": {"dtype": target[0], "shape": target[1]}}
    said = checked(dense(units), training={"recipe": recipe, "columns": columns, **more})
    assert said["summary"] is not None
    return {fault["pointer"]: fault["detail"] for fault in said["recipe_faults"]}


@pytest.mark.parametrize(
    ("units", "loss", "target"),
    [
        (10, "sparse_categorical_crossentropy", ("int64", [])),
        (10, "sparse_categorical_crossentropy", ("uint8", [1])),
        (10, "categorical_crossentropy", ("float64", [10])),
        (10, "crossentropy", ("int64", [])),
        (1, "binary_crossentropy", ("bool", [])),
        (1, "mse", ("float32", [])),
        (10, "mean_squared_error", ("float32", [10])),
        (10, {"type": "Huber", "config": {"delta": 2}}, ("float32", [10])),
        (10, {"type": "BinaryCrossentropy"}, ("int8", [10])),
    ],
)
def test_losses_that_fit(units: int, loss: Any, target: Any) -> None:
    assert trained(units, loss=loss, metrics=["accuracy"], target=target) == {}


@pytest.mark.parametrize(
    ("units", "loss", "target", "detail"),
    [
        (10, "sparse_categorical_crossentropy", ("float32", []), "whole numbers"),
        (10, "sparse_categorical_crossentropy", ("int64", [10]), "one class index"),
        (10, "categorical_crossentropy", ("int64", []), "one-hot"),
        (10, "categorical_crossentropy", ("int64", [9]), "one-hot"),
        (10, {"type": "CategoricalCrossentropy"}, ("int64", [9]), "one-hot"),
        (10, "binary_crossentropy", ("int64", []), "the output's shape"),
        (10, "mse", ("float32", [7]), "the output's shape"),
        (10, "mse", ("float32", [10, 3, 2]), "does not fit"),
        (10, "mse", ("<U8", []), "a target of numbers"),
        (10, "msee", ("int64", []), "Did you mean 'mse'?"),
    ],
)
def test_losses_that_do_not_fit(units: int, loss: Any, target: Any, detail: str) -> None:
    found = trained(units, loss=loss, target=target)
    assert list(found) == ["/compile/loss/d"]
    assert detail in found["/compile/loss/d"]


def test_metrics_are_checked_like_losses() -> None:
    found = trained(
        10,
        loss="categorical_crossentropy",
        target=("int64", [10]),
        metrics=["accuracy", {"type": "AUC"}, {"type": "Precision", "config": {"top_k": 3}}],
    )
    assert found == {}
    found = trained(
        10,
        loss="sparse_categorical_crossentropy",
        metrics=["categorical_accuracy", {"type": "MeanIoU", "config": {}}, "accurracy"],
    )
    assert list(found) == ["/compile/metrics/d", "/compile/metrics/d/config/num_classes"]


def test_all_faults_of_a_recipe_at_once() -> None:
    decay = {"type": "ExponentialDecay", "config": {"initial_learning_rate": 0.1, "decay_step": 9}}
    found = trained(
        10,
        loss={"type": "Huber", "config": {"delt": 1}},
        recipe={"optimizer": {"type": "Adam", "config": {"learning_rate": decay, "beta1": 0.9}}},
        callbacks=["EarlyStoping", {"type": "EarlyStopping", "config": {"patience": -1}}],
    )
    assert list(found) == [
        "/compile/optimizer/config/learning_rate/config/decay_step",
        "/compile/optimizer/config/learning_rate/config/decay_steps",
        "/compile/optimizer/config/learning_rate/config/decay_rate",
        "/compile/optimizer/config/beta1",
        "/compile/loss/d/config/delt",
        "/fit/callbacks/0",
        "/fit/callbacks/1/config/patience",
    ]


def test_graph_and_recipe_faults_come_together() -> None:
    recipe = {**TRAINING["recipe"], "optimizer": "adaam"}
    definition = graph({"x": [3]}, [node("d", layer("Dense", units=0), "x")], ["d"])
    said = checked(definition, training={**TRAINING, "recipe": recipe})
    assert [fault["pointer"] for fault in said["faults"]] == ["/nodes/0/layer/config/units"]
    assert [fault["pointer"] for fault in said["recipe_faults"]] == ["/compile/optimizer"]
    assert "Did you mean 'adam'?" in said["recipe_faults"][0]["detail"]


@pytest.mark.parametrize("name", ["LambdaCallback", "ModelCheckpoint", "CSVLogger", "TensorBoard"])
def test_callbacks_that_write_or_run_code_are_unknown(name: str) -> None:
    found = trained(10, loss="mse", callbacks=[name])
    assert list(found) == ["/fit/callbacks/0"]


@pytest.mark.parametrize("name", ["dense", "multi_input", "shared_lstm", "model_as_layer"])
def test_the_jobs_of_the_examples_fit_their_graphs(name: str) -> None:
    body = example(name)
    request = JobRequest.model_validate(body["job"])
    definition = GraphDefinition.model_validate(body["graph"]["definition"])
    assert faults_of(definition) == []
    assert checked(definition.model_dump(by_alias=True), sources=SOURCES)["summary"]
    shapes = {"digit": [10]}
    columns = {
        "picture",
        "digit",
        "headline",
        "extra",
        "label",
        "tweet_a",
        "tweet_b",
        "predictions",
    }
    recipe, faults = resolve(request, definition.input_names(), definition.output_names(), columns)
    assert faults == []
    training = {
        "recipe": recipe.model_dump(),
        "columns": {c: {"dtype": "int64", "shape": shapes.get(c, [])} for c in columns},
    }
    said = checked(body["graph"]["definition"], training=training, sources=SOURCES)
    assert said["recipe_faults"] == []


@pytest.mark.parametrize(
    ("argument", "initializer"),
    [("bias", "orthogonal"), ("kernel", "stft"), ("bias", {"type": "Identity"})],
)
def test_an_initializer_must_be_able_to_fill_its_weight(argument: str, initializer: Any) -> None:
    made = layer("Dense", units=4, **{f"{argument}_initializer": initializer})
    (fault,) = checked(graph({"x": [4]}, [node("d", made, "x")], ["d"]))["faults"]
    assert fault["pointer"] == "/nodes/0"
    assert f"cannot fill '{argument}'" in fault["detail"]


@pytest.mark.parametrize(("states", "units"), [(["e:1", "e:2"], 3), (["e:1"], 5)])
def test_states_must_fit_the_layer_that_goes_on_from_them(states: list[str], units: int) -> None:
    nodes = [
        node("e", layer("LSTM", units=5, return_state=True), "x"),
        node("d", layer("LSTM", units=units), {"sequences": "x", "initial_state": states}),
    ]
    (fault,) = checked(graph({"x": [6, 4]}, nodes, ["d"]))["faults"]
    assert fault["pointer"].startswith("/nodes/1")


@pytest.mark.parametrize(("length", "fits"), [(6, True), (5, False)])
def test_a_mask_has_the_lengths_of_what_it_masks(length: int, fits: bool) -> None:
    nodes = [node("d", layer("LSTM", units=2), {"sequences": "x", "mask": "m"})]
    definition = graph({"x": [6, 4], "m": [length]}, nodes, ["d"])
    definition["inputs"][1]["dtype"] = "bool"
    assert (checked(definition)["faults"] == []) is fits


def test_tensors_of_several_arguments_are_named() -> None:
    made = layer("MultiHeadAttention", num_heads=1, key_dim=2)
    (fault,) = checked(graph({"x": [6, 4]}, [node("d", made, ["x", "x"])], ["d"]))["faults"]
    assert "'query', 'value'" in fault["detail"]
