"""The attack of each published advisory on Keras, in Keras's own JSON."""

import json
from typing import Any

import pytest

from tests.abuse.attacks import bytecode, function, keras_json, tensor
from tests.abuse.watch import Watch

DENSE = {"units": 2, "activation": "linear"}


def refused(watch: Watch, model: Any) -> dict[str, str]:
    """The faults of a model's JSON, posted as a string (from `to_json()`) and as an object."""
    watch.refused({"keras_json": json.dumps(model)})
    faults = watch.refused({"keras_json": model})
    assert all(pointer.startswith("/keras_json") for pointer in faults)
    return faults


def test_a_harmless_model_is_accepted(watch: Watch) -> None:
    """If this model were rejected, the other tests would prove nothing."""
    body = {"keras_json": keras_json("Dense", DENSE)}
    answer = watch.client.post("/v1/graphs?validate_only=true", json=body)
    assert answer.status_code == 200, answer.text


def test_cve_2024_3660_bytecode_of_a_lambda(watch: Watch) -> None:
    assert refused(watch, keras_json("Lambda", {"function": bytecode(watch.proof)}))


def test_cve_2024_3660_bytecode_in_a_keras_2_model(watch: Watch) -> None:
    code = bytecode(watch.proof)["config"]["code"]
    model = keras_json("Lambda", {"function": [code, None, None], "function_type": "lambda"})
    model["config"]["layers"][1]["inbound_nodes"] = [[["x", 0, 0, {}]]]
    assert refused(watch, {"class_name": "Functional", "config": model["config"]})


@pytest.mark.parametrize(
    ("module", "class_name"),
    [("os", "system"), ("subprocess", "Popen"), ("builtins", "eval"), ("keras.utils", "get_file"),
     ("keras.saving", "load_model"), ("keras.config", "enable_unsafe_deserialization"),
     ("keras.src.legacy.saving.legacy_h5_format", "load_model_from_hdf5")],
)  # fmt: skip
def test_cve_2025_1550_and_8747_and_9906_a_module_and_its_function(
    watch: Watch, module: str, class_name: str
) -> None:
    config = {"fname": str(watch.proof), "origin": watch.canary.as_uri(), "filepath": "x"}
    assert refused(watch, keras_json(class_name, config, module=module))
    activation = {**DENSE, "activation": function(module, class_name)}
    assert refused(watch, keras_json("Dense", activation))
    initializer = {"module": module, "class_name": class_name, "config": config}
    assert refused(watch, keras_json("Dense", {**DENSE, "kernel_initializer": initializer}))


@pytest.mark.parametrize("module", ["os", "../keras.layers", "keras.utils"])
def test_cve_2025_1550_a_model_of_another_module(watch: Watch, module: str) -> None:
    model = keras_json("Dense", DENSE)
    assert refused(watch, {**model, "module": module, "class_name": "system"})


@pytest.mark.parametrize("value", [False, None])
def test_cve_2025_9906_and_12481_safe_mode_turned_off(watch: Watch, value: bool | None) -> None:
    evil = {"function": bytecode(watch.proof), "safe_mode": value}
    assert refused(watch, {**keras_json("Lambda", evil), "safe_mode": value})
    assert refused(watch, keras_json("Dense", {**DENSE, "safe_mode": value}))


def test_cve_2025_49655_a_torch_module(watch: Watch) -> None:
    assert refused(watch, keras_json("TorchModuleWrapper", {"module": "gASVAAAAAA=="}))


@pytest.mark.parametrize("class_name", ["StringLookup", "IntegerLookup", "TextVectorization"])
def test_cve_2025_12058_a_path_for_a_vocabulary(watch: Watch, class_name: str) -> None:
    config = {"vocabulary": str(watch.canary), "idf_weights": None}
    assert refused(watch, keras_json(class_name, config))


def test_cve_2026_1462_a_saved_model_as_a_layer(watch: Watch) -> None:
    config = {"filepath": str(watch.canary.parent), "call_endpoint": "serve"}
    assert refused(watch, keras_json("TFSMLayer", config))


@pytest.mark.parametrize("name", ["..", "../../up", "/etc/passwd", "a\\b", "."])
def test_cve_2025_12479_a_layer_named_like_a_path_is_renamed(watch: Watch, name: str) -> None:
    body = {"keras_json": keras_json("Dense", {**DENSE, "name": name})}
    answer = watch.client.post("/v1/graphs?validate_only=true", json=body)
    assert answer.status_code == 200, answer.text
    assert name in answer.json()["renamed"]
    assert all("/" not in new and "." not in new for new in answer.json()["renamed"].values())


def test_names_with_nul(watch: Watch) -> None:
    assert "U+0000" in " ".join(refused_once(watch, {**DENSE, "name": "a\0b"}).values())


def refused_once(watch: Watch, config: Any) -> dict[str, str]:
    return watch.refused({"keras_json": keras_json("Dense", config)})


@pytest.mark.parametrize("operation", ["Switch", "Cond", "Map", "VectorizedMap", "WhileLoop"])
def test_operation_nodes_that_call_functions(watch: Watch, operation: str) -> None:
    node = {"args": [0, [function("os", "system")], tensor("x")], "kwargs": {}}
    model = keras_json(operation, {}, module="keras.src.ops.core", inbound_nodes=[node])
    assert refused(watch, model)


def test_a_lambda_of_a_function_of_keras(watch: Watch) -> None:
    config = {
        "function": function("keras.utils", "get_file"),
        "arguments": {"fname": str(watch.proof), "origin": watch.canary.as_uri()},
    }
    assert refused(watch, keras_json("Lambda", config))


@pytest.mark.parametrize(
    "class_name",
    ["__numpy__", "__tensor__", "__bytes__", "__lambda__", "__typespec__", "__slice__"],
)
def test_payloads_in_place_of_values(watch: Watch, class_name: str) -> None:
    value = {"class_name": class_name, "config": {"value": [1] * 4, "dtype": "object"}}
    assert refused(watch, keras_json("Dense", {**DENSE, "units": value}))
    node = {"args": [tensor("x")], "kwargs": {"training": value}}
    assert refused(watch, keras_json("Dropout", {"rate": 0.5}, inbound_nodes=[node]))


def test_a_class_that_a_client_registers(watch: Watch) -> None:
    evil = keras_json("Dense", DENSE, module="builtins", registered_name="os>system")
    evil["config"]["layers"][1]["class_name"] = "Evil"
    assert refused(watch, evil)


@pytest.mark.parametrize("units", [10**12, 2**31 - 1, -1, 1e300, "1e9", True, None, [[]]])
def test_sizes(watch: Watch, units: Any) -> None:
    assert refused(watch, keras_json("Dense", {**DENSE, "units": units}))


@pytest.mark.parametrize("number", ["1e400", "9" * 400])
def test_numbers_beyond_64_bits_inside_the_text(watch: Watch, number: str) -> None:
    text = json.dumps(keras_json("Dropout", {"rate": "here"})).replace('"here"', number)
    assert watch.refused({"keras_json": text})


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[" * 20_000, '{"config":' * 20_000 + "1" + "}" * 20_000, "\x89HDF"]
)
def test_text_that_is_not_a_model(watch: Watch, text: str) -> None:
    assert watch.refused({"keras_json": text}).keys() == {"/keras_json"}


def test_models_in_models_thirty_three_deep(watch: Watch) -> None:
    model = keras_json("Dense", DENSE)
    for i in range(33):
        model = keras_json("Functional", model["config"] | {"name": f"model{i}"})
    assert watch.refused({"keras_json": json.dumps(model)})


def test_a_chain_with_a_cycle(watch: Watch) -> None:
    node = {"args": [tensor("n")], "kwargs": {}}
    assert refused(watch, keras_json("Dense", DENSE, inbound_nodes=[node]))
