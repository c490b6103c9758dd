"""The attack of each published advisory on Keras, in the graph language."""

from typing import Any

import pytest

from tests.abuse.attacks import bytecode, function, graph, layer, op
from tests.abuse.watch import Watch

CONFIG = "/definition/nodes/0/layer/config"
TYPE = "/definition/nodes/0/layer/type"


def refused(watch: Watch, definition: Any, **more: Any) -> dict[str, str]:
    return watch.refused({"definition": definition, **more})


def test_cve_2024_3660_bytecode_of_a_lambda(watch: Watch) -> None:
    faults = refused(watch, layer("Lambda", {"function": bytecode(watch.proof)}))
    assert "runs code" in faults[TYPE]


def test_cve_2024_3660_bytecode_as_an_activation(watch: Watch) -> None:
    config = {"units": 2, "activation": bytecode(watch.proof)}
    assert faults_at(refused(watch, layer("Dense", config)), f"{CONFIG}/activation")


def test_cve_2025_1550_a_function_by_its_module(watch: Watch) -> None:
    config = {"units": 2, "activation": function("os", "system")}
    faults = refused(watch, layer("Dense", config))
    detail = "There is no activation 'system'. `GET /v1/activations` lists all names."
    assert faults == {f"{CONFIG}/activation": detail}


def test_cve_2025_1550_a_layer_by_its_module(watch: Watch) -> None:
    written = {"module": "subprocess", "type": "Popen", "config": {"args": ["true"]}}
    assert "/definition/nodes/0/layer/module" in refused(watch, graph({"layer": written}))


def test_cve_2025_8747_a_function_of_keras_that_reads_files(watch: Watch) -> None:
    url = {"origin": watch.canary.as_uri(), "fname": str(watch.proof)}
    for name, module in (("get_file", "keras.utils"), ("load_model", "keras.saving")):
        wanted = {"module": module, "class_name": name, "config": url}
        faults = refused(watch, layer("Dense", {"units": 2, "kernel_initializer": wanted}))
        assert faults_at(faults, f"{CONFIG}/kernel_initializer")


@pytest.mark.parametrize("value", [False, None])
def test_cve_2025_9906_and_12481_safe_mode_turned_off(watch: Watch, value: bool | None) -> None:
    config = {"units": 2, "safe_mode": value}
    assert faults_at(refused(watch, layer("Dense", config)), f"{CONFIG}/safe_mode")
    sound = layer("Dense", {"units": 2})
    assert refused(watch, {**sound, "safe_mode": value}).keys() == {"/definition/safe_mode"}
    assert refused(watch, sound, safe_mode=value).keys() == {"/safe_mode"}


def test_cve_2025_9906_the_function_that_turns_it_off(watch: Watch) -> None:
    disable = function("keras.config", "enable_unsafe_deserialization")
    faults = refused(watch, layer("Dense", {"units": 2, "bias_initializer": disable}))
    assert faults_at(faults, f"{CONFIG}/bias_initializer")


@pytest.mark.parametrize("path", ["/v1/graphs", "/v1/jobs", "/v1/datasets"])
@pytest.mark.parametrize("media_type", ["application/x-hdf5", "application/json"])
def test_cve_2025_9905_an_h5_file(watch: Watch, path: str, media_type: str) -> None:
    raw = b"\x89HDF\r\n\x1a\n" + bytes(2048)
    answer = watch.client.post(path, content=raw, headers={"Content-Type": media_type})
    assert answer.status_code in (400, 415)
    assert answer.headers["content-type"] == "application/problem+json"


def test_cve_2025_49655_a_torch_module(watch: Watch) -> None:
    faults = refused(watch, layer("TorchModuleWrapper", {"module": "gASVAAAAAA=="}))
    assert "cannot be used" in faults[TYPE]


@pytest.mark.parametrize(
    ("type_", "shape", "dtype"),
    [("StringLookup", [4], "string"), ("IntegerLookup", [4], "int64"),
     ("TextVectorization", [], "string")],
)  # fmt: skip
def test_cve_2025_12058_a_path_for_a_vocabulary(
    watch: Watch, type_: str, shape: list[int], dtype: str
) -> None:
    for place in (str(watch.canary), watch.canary.as_uri(), [[str(watch.canary)]]):
        faults = refused(watch, layer(type_, {"vocabulary": place}, shape, dtype))
        assert faults_at(faults, f"{CONFIG}/vocabulary")


def test_cve_2026_1462_a_saved_model_as_a_layer(watch: Watch) -> None:
    faults = refused(watch, layer("TFSMLayer", {"filepath": str(watch.canary.parent)}))
    assert "reads a file" in faults[TYPE]


@pytest.mark.parametrize("name", ["..", "../../up", "/etc/passwd", "a/b", ".", "a\\b"])
def test_cve_2025_12479_a_layer_named_like_a_path(watch: Watch, name: str) -> None:
    definition = {
        "inputs": [{"name": "x", "shape": [4]}],
        "layers": {name: {"type": "Dense", "config": {"units": 1}}},
        "nodes": [{"name": name, "layer": name, "inputs": "x"}],
        "outputs": [{"name": name, "from": name}],
    }
    escaped = name.replace("/", "~1")
    places = {f"/definition/layers/{escaped}", "/definition/nodes/0/name"}
    assert places | {"/definition/outputs/0/name"} <= refused(watch, definition).keys()
    config = {"units": 1, "name": name}
    assert refused(watch, layer("Dense", config)).keys() == {f"{CONFIG}/name"}


def test_names_with_nul(watch: Watch) -> None:
    faults = refused(watch, {**layer("Dense", {"units": 1}), "outputs": ["n\0"]})
    assert "U+0000" in faults["/definition/outputs/0"]


@pytest.mark.parametrize("name", ["Switch", "switch", "cond", "map", "vectorized_map"])
def test_operations_that_call_functions(watch: Watch, name: str) -> None:
    assert faults_at(refused(watch, op(name, {})), "/definition/nodes/0/op")
    assert TYPE in refused(watch, layer(name, {}))


def test_a_lambda_of_a_function_of_keras(watch: Watch) -> None:
    config = {"function": function("keras.utils", "get_file"), "arguments": {"fname": "x"}}
    assert TYPE in refused(watch, layer("Lambda", config))


@pytest.mark.parametrize("class_name", ["__numpy__", "__tensor__", "__bytes__", "__lambda__"])
def test_payloads_in_place_of_values(watch: Watch, class_name: str) -> None:
    value = {"class_name": class_name, "config": {"value": [1] * 4, "dtype": "object"}}
    for type_, name in (("Rescaling", "scale"), ("Dense", "units"), ("Dropout", "rate")):
        faults = refused(watch, layer(type_, {name: value}))
        assert faults_at(faults, f"{CONFIG}/{name}")


def faults_at(faults: dict[str, str], place: str) -> bool:
    """Whether a fault is at this pointer or below it."""
    return any(pointer.startswith(place) for pointer in faults)
