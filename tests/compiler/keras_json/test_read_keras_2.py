"""The JSON of Keras 2 is read, as its versions wrote it."""

import json
from pathlib import Path
from typing import Any

import pytest

from compiler.summary import summarize
from tests.compiler.keras_json.restored import (
    find_faults,
    read_definition,
    read_document,
    read_graph_json,
    restore,
)

FOLDER = Path(__file__).parent / "models"


def load_document(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())


def lstm(inputs: int, units: int) -> int:
    return 4 * units * (inputs + units + 1)


PARAMETERS = {
    "reviews": 5000 * 32 + lstm(32, 16) + 17,
    "digits": 8 * 10 + 16 * (13 * 13 * 8 + 1) + 10 * 17,
    "headlines": 10000 * 64 + lstm(64, 32) + 64 * 38 + 65 + 33,
    "twins": lstm(25, 8) + 4 * 9 + 9,
    "transfer": 8 * 27 + 4 * 8 + 8 * 9 + 8 * 8 + 8 + 5 * 9,
    "functions": 2 * 31,
    "translation": lstm(7, 6) + lstm(5, 6) + 3 * 6 * 7 + 6 * 7 + 12 + 2 * 4 * 3 * (6 + 4 + 2)
    + 5 * 9,
    "recent": 3 * 4,
}  # fmt: skip


@pytest.mark.parametrize("name", PARAMETERS)
def test_model_of_keras_2_is_built_with_its_parameters(name: str) -> None:
    built = restore(load_document(name))
    assert summarize(built).parameters.total == PARAMETERS[name]


def test_every_model_has_its_parameter_count() -> None:
    assert PARAMETERS.keys() == {path.stem for path in FOLDER.iterdir()}


def test_arguments_that_keras_3_lacks_are_dropped() -> None:
    nodes = {node["name"]: node for node in read_graph_json(load_document("reviews"))["nodes"]}
    assert nodes["embedding_1"]["layer"]["config"] == {"input_dim": 5000, "output_dim": 32}
    assert nodes["lstm_1"]["layer"]["config"] == {
        "units": 16,
        "recurrent_activation": "hard_sigmoid",
        "kernel_initializer": {
            "type": "VarianceScaling",
            "config": {"mode": "fan_avg", "distribution": "uniform"},
        },
        "dropout": 0.2,
        "recurrent_dropout": 0.2,
    }
    assert read_graph_json(load_document("reviews"))["inputs"] == [
        {"name": "embedding_1_input", "shape": [80]}
    ]


def test_inputs_and_outputs_keep_their_order_and_names() -> None:
    found = read_definition(load_document("headlines"))
    assert [(item.name, item.dtype) for item in found.inputs] == [
        ("main_input", "int32"), ("aux_input", "float32")
    ]  # fmt: skip
    assert found.named_outputs() == [("main_output", "main_output"), ("aux_output", "aux_output")]


def test_calls_of_a_nested_model_are_counted_from_1() -> None:
    nodes = {
        node["name"]: node["inputs"] for node in read_graph_json(load_document("twins"))["nodes"]
    }
    assert nodes == {
        "sequential_1": "tweet_a",
        "sequential_1__2": "tweet_b",
        "concatenate_1": ["sequential_1", "sequential_1__2"],
        "same_person": "concatenate_1",
    }
    assert read_document(load_document("twins")).renamed == {"same/person": "same_person"}


def test_calls_of_a_nested_model_without_a_shape_of_its_own_are_counted_from_0() -> None:
    given = load_document("twins")
    joined = given["config"]["layers"][3]
    joined["inbound_nodes"] = [[["sequential_1", 0, 0, {}], ["sequential_1", 1, 0, {}]]]
    assert read_definition(given) == read_definition(load_document("twins"))


def test_frozen_base_stays_frozen_and_is_called_without_training() -> None:
    built = restore(load_document("transfer"))
    assert summarize(built).parameters.trainable == 5 * 9
    nodes = {node["name"]: node for node in read_graph_json(load_document("transfer"))["nodes"]}
    assert nodes["mobilenet_0_25"]["call"] == {"training": False}
    assert nodes["dense"]["layer"]["config"]["dtype"] == "mixed_float16"
    base = {node["name"]: node for node in nodes["mobilenet_0_25"]["layer"]["graph"]["nodes"]}
    assert base["conv1_bn"]["layer"]["config"] == {"axis": 3, "trainable": False}


def test_states_are_separated_from_the_sequence() -> None:
    nodes = {node["name"]: node for node in read_graph_json(load_document("translation"))["nodes"]}
    assert nodes["decoder"]["inputs"] == {
        "sequences": "said",
        "initial_state": ["encoder:1", "encoder:2"],
    }
    assert nodes["attention"]["inputs"] == {"query": "decoder", "value": "encoder:0"}
    assert nodes["attention"]["call"] == {"return_attention_scores": True}


def test_functions_of_tensorflow_become_functions_of_keras() -> None:
    nodes = {node["name"]: node for node in read_graph_json(load_document("functions"))["nodes"]}
    calls = {name: (node["op"], node["inputs"], node.get("config", {}))
            for name, node in nodes.items() if "op" in node}  # fmt: skip
    assert calls == {
        "tf_math_add": ("add", ["left", "right"], {}),
        "tf_math_multiply": ("multiply", "tf_math_add", {"x2": 0.5}),
        "tf_math_subtract": ("subtract", {"x2": "tf_math_multiply"}, {"x1": 1.0}),
        "tf___operators___getitem": ("get_item", "tf_math_subtract", {"key": ["...", ":3"]}),
        "tf_concat": (
            "concatenate", ["tf_math_subtract", "tf___operators___getitem"], {"axis": -1}
        ),
        "tf_reshape": ("reshape", "tf_concat", {"newshape": [-1, 36]}),
        "tf_nn_relu": ("relu", "tf_reshape", {}),
        "tf_cast": ("cast", "tf_nn_relu", {"dtype": "float16"}),
        "tf_cast_1": ("cast", "tf_cast", {"dtype": "float32"}),
        "tf_split": ("split", "tf_cast_1", {"axis": 1, "indices_or_sections": [30, 34]}),
        "tf_math_reduce_max": ("max", "tf_split:1", {"axis": -1, "keepdims": True}),
        "tf___operators___add": ("add", ["dense", "tf_math_reduce_max"], {}),
    }  # fmt: skip
    assert read_definition(load_document("functions")).named_outputs() == [
        ("sum", "tf___operators___add"), ("rest", "tf_split:2")
    ]  # fmt: skip


def test_defaults_of_tensorflow_that_differ_are_written_out() -> None:
    given = load_document("functions")
    given["config"]["layers"][12]["config"]["function"] = "math.argmax"
    given["config"]["layers"][12]["inbound_nodes"] = [["tf.split", 0, 1, {}]]
    nodes = {node["name"]: node for node in read_graph_json(given)["nodes"]}
    assert nodes["tf_math_reduce_max"]["config"] == {"axis": 0}


@pytest.mark.parametrize(
    ("function", "arguments", "pointer", "words"),
    [
        ("math.betainc", {}, "config/function", "TensorFlow's 'math.betainc'"),
        ("linalg.matmul", {"b": ["left", 0, 0], "transpose_b": True},
         "inbound_nodes/0/3/transpose_b", "'transpose_b'"),
    ],
)  # fmt: skip
def test_functions_of_tensorflow_without_equivalent_are_refused(
    function: str, arguments: Any, pointer: str, words: str
) -> None:
    given = load_document("functions")
    given["config"]["layers"][3]["config"]["function"] = function
    given["config"]["layers"][3]["inbound_nodes"] = [["tf.math.add", 0, 0, arguments]]
    assert words in find_faults(given)[f"/config/layers/3/{pointer}"]


@pytest.mark.parametrize(
    ("kind", "config", "becomes"),
    [
        ("CuDNNLSTM", {"units": 4}, {"type": "LSTM", "config": {"units": 4}}),
        ("CuDNNGRU", {"units": 4}, {"type": "GRU", "config": {"units": 4}}),
        ("GRU", {"units": 4, "reset_after": False},
         {"type": "GRU", "config": {"units": 4, "reset_after": False}}),
        ("GRU", {"units": 4, "reset_after": True, "time_major": False, "implementation": 0},
         {"type": "GRU", "config": {"units": 4}}),
        ("SyncBatchNormalization", {"axis": [2], "fused": None, "renorm": False},
         {"type": "BatchNormalization", "config": {"axis": 2, "synchronized": True}}),
        ("BatchNormalizationV1", {"momentum": 0.9, "virtual_batch_size": None},
         {"type": "BatchNormalization", "config": {"momentum": 0.9}}),
        ("ThresholdedReLU", {"theta": 1.5}, {"type": "ReLU", "config": {"threshold": 1.5}}),
        ("LeakyReLU", {"alpha": {"type": "ndarray", "value": 0.1}},
         {"type": "LeakyReLU", "config": {"negative_slope": 0.1}}),
        ("Dense", {"units": 4, "kernel_initializer": {
            "class_name": "VarianceScaling",
            "config": {"distribution": "normal", "seed": None, "dtype": "float32"}}},
         {"type": "Dense", "config": {"units": 4, "kernel_initializer": "VarianceScaling"}}),
        ("Cropping1D", {"cropping": {"class_name": "__tuple__", "items": [1, 2]}},
         {"type": "Cropping1D", "config": {"cropping": [1, 2]}}),
    ],
)  # fmt: skip
def test_layers_and_arguments_get_their_names_of_keras_3(
    kind: str, config: Any, becomes: Any
) -> None:
    first = {**config, "name": "it", "batch_input_shape": [None, 6, 4], "dtype": "float32"}
    given = {"class_name": "Sequential", "config": [{"class_name": kind, "config": first}]}
    (node,) = read_graph_json(given)["nodes"]
    assert node["layer"] == becomes
    restore(given)


@pytest.mark.parametrize(
    ("kind", "config", "pointer", "words"),
    [
        ("LocallyConnected1D", {"filters": 3}, "class_name", "differ from place to place"),
        ("TensorFlowOpLayer", {"node_def": "..."}, "class_name", "write a node with an `op`"),
        ("Lambda", {"function": ["4wEAAAA", None, None]}, "class_name", "runs code"),
        ("LSTM", {"units": 3, "time_major": True}, "config/time_major", "no argument 'time_major'"),
        ("LSTM", {"units": 3, "dtype": {"class_name": "Policy", "config": 3}}, "config/dtype",
         "A dtype or a policy"),
    ],
)  # fmt: skip
def test_layers_without_equivalent_are_refused(
    kind: str, config: Any, pointer: str, words: str
) -> None:
    first = {**config, "name": "it", "batch_input_shape": [None, 6, 4]}
    given = {"class_name": "Sequential", "config": [{"class_name": kind, "config": first}]}
    assert words in find_faults(given)[f"/config/0/{pointer}"]
