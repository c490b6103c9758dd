"""The check without weights: exact counts, little memory, and faults at the right places."""

import json
import time
from typing import Any

import keras
import numpy as np
import psutil
import pytest

from compiler.entrypoints import check_graph
from domain.graph.language import Blueprint, GraphDefinition
from domain.graph.rules import find_graph_faults
from domain.job.job import JobRequest
from domain.job.resolve import resolve
from tests.compiler.graphs import MODEL, build_graph, graph, layer, nested, node
from tests.support.example_bodies import example

SOURCES = {MODEL: {"definition": example("dense")["graph"]["definition"]}}


def check_json(
    definition: Any, limits: Any = None, training: Any = None, sources: Any = None
) -> dict[str, Any]:
    blueprint = {"definition": definition, "sources": sources or {}}
    request = {"blueprint": blueprint, "limits": limits or {}, "training": training}
    result: dict[str, Any] = json.loads(check_graph(json.dumps(request)))
    return result


def make_dense(units: int) -> dict[str, Any]:
    return graph({"x": [784]}, [node("d", layer("Dense", units=units), "x")], ["d"])


def test_summary_of_the_multi_input_model_is_exact() -> None:
    summary = check_json(example("multi_input")["graph"]["definition"])["summary"]
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
def test_summary_equals_the_real_model(name: str) -> None:
    definition = example(name)["graph"]["definition"]
    summary = check_json(definition, sources=SOURCES)["summary"]
    sources = {MODEL: Blueprint.model_validate(SOURCES[MODEL])}
    model = build_graph(definition, sources).model
    assert summary["parameters"]["total"] == model.count_params()
    trainable = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    assert summary["parameters"]["trainable"] == trainable
    assert [tuple(o["shape"]) for o in summary["outputs"]] == [
        model.output[o["name"]].shape for o in summary["outputs"]
    ]


def test_shared_layer_counts_once_and_each_tensor_has_a_shape() -> None:
    lstm = layer("LSTM", units=3, return_state=True)
    definition = graph(
        {"x": [None, 4]},
        [node("a", "lstm", "x"), node("b", "lstm", {"sequences": "x", "initial_state": PAIR})],
        [{"name": "end", "from": "b:0"}],
        lstm=lstm,
    )
    summary = check_json(definition)["summary"]
    assert [item["shape"] for item in summary["nodes"]] == [[[None, 3]] * 3] * 2
    assert [item["parameters"] for item in summary["nodes"]] == [96, 96]
    assert summary["parameters"]["total"] == 96
    assert summary["bytes"]["activations_per_row"] == 2 * 3 * 3 * 4


PAIR = ["a:1", "a:2"]


def test_moving_statistics_are_non_trainable_parameters() -> None:
    definition = graph({"x": [4]}, [node("n", layer("BatchNormalization"), "x")], ["n"])
    parameters = check_json(definition)["summary"]["parameters"]
    assert parameters == {"total": 16, "trainable": 8, "non_trainable": 8}


def test_activations_of_nested_graphs_count_at_every_call() -> None:
    inner = graph(
        {"y": [4]},
        [node("wide", layer("Dense", units=100), "y"), node("n", layer("Dense", units=4), "wide")],
        ["n"],
    )
    nodes = [node("one", "twice", "x"), node("two", "twice", "one")]
    summary = check_json(graph({"x": [4]}, nodes, ["two"], twice=nested(inner)))["summary"]
    assert summary["bytes"]["activations_per_row"] == 2 * (100 + 4) * 4
    assert [item["layer"] for item in summary["nodes"]] == ["Graph", "Graph"]


def measure_check(units: int, limits: dict[str, int] | None = None) -> float:
    """Return the CPU seconds of the fastest of three checks of a Dense layer."""
    taken = []
    for _ in range(3):
        began = time.process_time()
        check_json(make_dense(units), limits)
        taken.append(time.process_time() - began)
    return min(taken)


def test_check_of_a_billion_units_takes_as_long_as_that_of_ten() -> None:
    limits = {"parameters": 500_000_000}
    check_json(make_dense(10))
    few = measure_check(10)
    assert measure_check(10**9) < 3 * few
    assert measure_check(10**9, limits) < 3 * few


def test_check_of_a_billion_units_allocates_no_weights() -> None:
    limits = {"parameters": 500_000_000}
    check_json(make_dense(10))
    before = psutil.Process().memory_info().rss
    result = check_json(make_dense(10**9), limits)
    assert psutil.Process().memory_info().rss - before < 20_000_000
    detail = (
        "This brings the graph to 785,000,000,000 parameters; "
        "at most 500,000,000 are allowed (MAX_PARAMETERS)."
    )
    assert result["faults"] == [{"pointer": "/nodes/0", "detail": detail}]
    assert result["summary"] is None
    assert check_json(make_dense(10**9))["summary"]["parameters"]["total"] == 785_000_000_000
    keras.layers.Dense(2)(
        keras.Input((3,))
    )  # the check left no variable that this call would allocate
    assert psutil.Process().memory_info().rss - before < 20_000_000


def test_fault_points_to_the_node_that_exceeds_a_limit() -> None:
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
    by_count = check_json(definition, {"parameters": 200})["faults"]
    assert [fault["pointer"] for fault in by_count] == ["/nodes/1/layer/graph/nodes/0"]
    assert "660 parameters; at most 200" in by_count[0]["detail"]
    by_bytes = check_json(definition, {"weight_bytes": 2000})["faults"]
    assert "MAX_WEIGHT_BYTES" in by_bytes[0]["detail"]
    by_row = check_json(definition, {"activation_bytes": 100})["faults"]
    assert [fault["pointer"] for fault in by_row] == ["/nodes/1"]
    assert "240 bytes of activations a row" in by_row[0]["detail"]


def test_fault_points_to_the_model_layer_that_exceeds_a_limit() -> None:
    result = check_json(
        example("model_as_layer")["graph"]["definition"], {"parameters": 1000}, sources=SOURCES
    )
    assert [fault["pointer"] for fault in result["faults"]] == ["/nodes/0"]


@pytest.mark.slow
def test_check_of_two_thousand_nodes_takes_seconds() -> None:
    nodes = [node(f"n{i}", layer("Dense", units=2), f"n{i - 1}" if i else "x") for i in range(2000)]
    began = time.monotonic()
    summary = check_json(graph({"x": [2]}, nodes, ["n1999"]))["summary"]
    assert summary["parameters"]["total"] == 2000 * 6
    assert time.monotonic() - began < 30


TRAINING: dict[str, Any] = {
    "recipe": {
        "optimizer": "rmsprop",
        "jit_compile": False,
        "inputs": {"x": "x"},
        "outputs": {"d": {"loss": "sparse_categorical_crossentropy", "target": "y"}},
    },
    "targets": {"d": {"dtype": "int64", "shape": []}},
}


def find_training_faults(
    units: int, *, loss: Any = None, metrics: Any = (), target: Any = ("int64", []), **more: Any
) -> dict[str, str]:
    """Return the faults of a training of one dense layer, by pointer."""
    part = {"loss": loss, "metrics": list(metrics), "target": "y"}
    recipe = {**TRAINING["recipe"], "outputs": {"d": part}, **more.pop("recipe", {})}
    targets = {"d": {"dtype": target[0], "shape": target[1]}}
    result = check_json(make_dense(units), training={"recipe": recipe, "targets": targets, **more})
    assert result["summary"] is not None
    return {fault["pointer"]: fault["detail"] for fault in result["recipe_faults"]}


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
def test_check_accepts_losses_that_fit(units: int, loss: Any, target: Any) -> None:
    assert find_training_faults(units, loss=loss, metrics=["accuracy"], target=target) == {}


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
def test_check_refuses_losses_that_do_not_fit(
    units: int, loss: Any, target: Any, detail: str
) -> None:
    found = find_training_faults(units, loss=loss, target=target)
    assert list(found) == ["/compile/loss/d"]
    assert detail in found["/compile/loss/d"]


def test_metrics_are_checked_like_losses() -> None:
    found = find_training_faults(
        10,
        loss="categorical_crossentropy",
        target=("int64", [10]),
        metrics=["accuracy", {"type": "AUC"}, {"type": "Precision", "config": {"top_k": 3}}],
    )
    assert found == {}
    found = find_training_faults(
        10,
        loss="sparse_categorical_crossentropy",
        metrics=["categorical_accuracy", {"type": "MeanIoU", "config": {}}, "accurracy"],
    )
    assert list(found) == ["/compile/metrics/d", "/compile/metrics/d/config/num_classes"]


def test_all_faults_of_a_recipe_are_found_at_once() -> None:
    decay = {"type": "ExponentialDecay", "config": {"initial_learning_rate": 0.1, "decay_step": 9}}
    found = find_training_faults(
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


def test_faults_of_graph_and_recipe_are_found_together() -> None:
    recipe = {**TRAINING["recipe"], "optimizer": "adaam"}
    definition = graph({"x": [3]}, [node("d", layer("Dense", units=0), "x")], ["d"])
    result = check_json(definition, training={**TRAINING, "recipe": recipe})
    assert [fault["pointer"] for fault in result["faults"]] == ["/nodes/0/layer/config/units"]
    assert [fault["pointer"] for fault in result["recipe_faults"]] == ["/compile/optimizer"]
    assert "Did you mean 'adam'?" in result["recipe_faults"][0]["detail"]


@pytest.mark.parametrize("name", ["LambdaCallback", "BackupAndRestore", "CSVLogger", "TensorBoard"])
def test_callbacks_that_write_or_run_code_are_refused(name: str) -> None:
    found = find_training_faults(10, loss="mse", callbacks=[name])
    assert list(found) == ["/fit/callbacks/0"]


@pytest.mark.parametrize("name", ["dense", "multi_input", "shared_lstm", "model_as_layer"])
def test_example_jobs_fit_their_graphs(name: str) -> None:
    body = example(name)
    request = JobRequest.model_validate(body["job"])
    definition = GraphDefinition.model_validate(body["graph"]["definition"])
    assert find_graph_faults(definition) == []
    assert check_json(definition.model_dump(by_alias=True), sources=SOURCES)["summary"]
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
        "targets": {
            name: {"dtype": "int64", "shape": shapes.get(output.target, [])}
            for name, output in recipe.outputs.items()
            if output.target is not None
        },
    }
    result = check_json(body["graph"]["definition"], training=training, sources=SOURCES)
    assert result["recipe_faults"] == []


@pytest.mark.parametrize(
    ("argument", "initializer"),
    [("bias", "orthogonal"), ("kernel", "stft"), ("bias", {"type": "Identity"})],
)
def test_initializer_that_cannot_fill_its_weight_is_refused(
    argument: str, initializer: Any
) -> None:
    made = layer("Dense", units=4, **{f"{argument}_initializer": initializer})
    (fault,) = check_json(graph({"x": [4]}, [node("d", made, "x")], ["d"]))["faults"]
    assert fault["pointer"] == "/nodes/0"
    assert f"cannot fill '{argument}'" in fault["detail"]


@pytest.mark.parametrize(("states", "units"), [(["e:1", "e:2"], 3), (["e:1"], 5)])
def test_initial_states_must_fit_the_layer(states: list[str], units: int) -> None:
    nodes = [
        node("e", layer("LSTM", units=5, return_state=True), "x"),
        node("d", layer("LSTM", units=units), {"sequences": "x", "initial_state": states}),
    ]
    (fault,) = check_json(graph({"x": [6, 4]}, nodes, ["d"]))["faults"]
    assert fault["pointer"].startswith("/nodes/1")


@pytest.mark.parametrize(("length", "fits"), [(6, True), (5, False)])
def test_mask_must_have_the_lengths_of_its_tensor(length: int, fits: bool) -> None:
    nodes = [node("d", layer("LSTM", units=2), {"sequences": "x", "mask": "m"})]
    definition = graph({"x": [6, 4], "m": [length]}, nodes, ["d"])
    definition["inputs"][1]["dtype"] = "bool"
    assert (check_json(definition)["faults"] == []) is fits


def test_layer_with_several_tensor_arguments_needs_their_names() -> None:
    made = layer("MultiHeadAttention", num_heads=1, key_dim=2)
    (fault,) = check_json(graph({"x": [6, 4]}, [node("d", made, ["x", "x"])], ["d"]))["faults"]
    assert "'query', 'value'" in fault["detail"]
