"""Names and texts with a meaning for Python, Keras or a JSON parser."""

import json
from typing import Any

import pytest

from tests.abuse.attacks import function, graph, layer, op
from tests.abuse.watch import Watch

CONFIG = "/definition/nodes/0/layer/config"
POLICY = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}}


@pytest.mark.parametrize("name", ["__class__", "os.system", "keras.utils.get_file", "Lambda", ""])
def test_an_activation_must_be_a_name_of_an_activation(watch: Watch, name: str) -> None:
    faults = watch.refused({"definition": layer("Dense", {"units": 2, "activation": name})})
    assert faults.keys() == {f"{CONFIG}/activation"}


@pytest.mark.parametrize(
    "type_",
    ["__class__", "src.layers.Dense", "../../Dense", "\uff24ense", "Dense\u200b", "L\u0430mbda",
     "lambda", "LAMBDA", "Functional", "Sequential", "InputLayer", "Layer", "RandomHeight", ""],
)  # fmt: skip
def test_a_type_must_be_in_the_catalogue(watch: Watch, type_: str) -> None:
    assert "/definition/nodes/0/layer/type" in watch.refused({"definition": layer(type_, {})})


@pytest.mark.parametrize("name", ["__class__", "core.map", "save", "convert_to_numpy", "numpy"])
def test_an_operation_must_be_in_the_catalogue(watch: Watch, name: str) -> None:
    assert "/definition/nodes/0/op" in watch.refused({"definition": op(name, {})})


@pytest.mark.parametrize("dtype", ["int8_from_float32", "__import__", POLICY, "object", "resource"])
def test_a_dtype_must_be_a_known_name(watch: Watch, dtype: Any) -> None:
    faults = watch.refused({"definition": layer("Dense", {"units": 2, "dtype": dtype})})
    assert faults.keys() == {f"{CONFIG}/dtype"}


@pytest.mark.parametrize("argument", ["split", "standardize"])
@pytest.mark.parametrize("value", ["os.system", function("os", "system"), ["x"]])
def test_a_text_layer_accepts_no_split_function(watch: Watch, argument: str, value: Any) -> None:
    config = {"vocabulary": ["a"], argument: value}
    definition = layer("TextVectorization", config, [], "string")
    faults = watch.refused({"definition": definition})
    assert all(pointer.startswith(f"{CONFIG}/{argument}") for pointer in faults)


@pytest.mark.parametrize("name", ["self", "call", "__class__", "build"])
def test_a_call_accepts_only_arguments_of_the_call(watch: Watch, name: str) -> None:
    node = {"layer": {"type": "Dense", "config": {"units": 2}}, "call": {name: 1}}
    assert watch.refused({"definition": graph(node)}).keys() == {f"/definition/nodes/0/call/{name}"}


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" + "0" * 400])
def test_numbers_beyond_64_bits(watch: Watch, number: str) -> None:
    raw = json.dumps({"definition": layer("Dropout", {"rate": "here"})})
    faults = watch.refused(raw.replace('"here"', number).encode())
    assert faults.keys() == {f"{CONFIG}/rate"}


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_names_that_are_not_json_numbers(watch: Watch, text: str) -> None:
    raw = json.dumps({"definition": layer("Dropout", {"rate": "here"})}).replace('"here"', text)
    headers = {"Content-Type": "application/json"}
    answer = watch.client.post("/v1/graphs", content=raw, headers=headers)
    assert answer.status_code == 400
    assert "not JSON" in answer.json()["detail"]


@pytest.mark.parametrize(("start", "end"), [("[", "]"), ('{"definition":', "}")])
def test_json_twenty_thousand_deep(watch: Watch, start: str, end: str) -> None:
    faults = watch.refused((start * 20_000 + "1" + end * 20_000).encode())
    assert "deeper than 200 levels" in faults[""]


def test_a_repeated_key_hides_no_layer(watch: Watch) -> None:
    text = json.dumps({"definition": layer("Dense", {"units": 2})})
    for types in ('"type": "Dense", "type": "Lambda"', '"type": "Lambda", "type": "Dense"'):
        faults = watch.refused(text.replace('"type": "Dense"', types).encode())
        assert "appears twice" in faults["/definition/nodes/0/layer/type"]
