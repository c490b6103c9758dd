"""Each call argument in Keras's JSON is kept, or refused at its place."""

import json
from typing import Any

import keras
import pytest
from keras import layers, ops

from tests.compiler.keras_json.restored import find_faults, read_definition


def tensor(name: str) -> Any:
    config = {"shape": [None, 3], "dtype": "float32", "keras_history": [name, 0, 0]}
    return {"class_name": "__keras_tensor__", "config": config}


def write_call(result: Any, x: Any) -> tuple[Any, Any]:
    """Return the JSON of a model with one call, and the part of the JSON that is the call."""
    document = json.loads(keras.Model(x, result).to_json())
    return document, document["config"]["layers"][1]["inbound_nodes"][0]


CALLS: dict[str, Any] = {
    "layer": layers.Dense(3),
    "function": lambda x: ops.add(x, x),
    "list": lambda x: ops.concatenate([x, x]),
    "graph": keras.Sequential([keras.Input((3,)), layers.Dense(2)]),
}
CALL = "/config/layers/1/inbound_nodes/0"


@pytest.mark.parametrize("value", [7, None, tensor("x")], ids=["number", "null", "tensor"])
@pytest.mark.parametrize("kind", CALLS)
def test_unknown_call_argument_is_refused(kind: str, value: Any) -> None:
    x = keras.Input((3,), name="x")
    document, call = write_call(CALLS[kind](x), x)
    call["kwargs"]["axes_"] = value
    assert f"{CALL}/kwargs/axes_" in find_faults(document)
    del call["kwargs"]["axes_"]
    call["args"] += [None] * 3 + [value]
    found = find_faults(document)
    assert {place.rpartition("/")[0] for place in found} == {f"{CALL}/args"}


def test_call_argument_given_twice_is_refused() -> None:
    x = keras.Input((3,), name="x")
    document, call = write_call(layers.Dense(3)(x), x)
    call["kwargs"]["inputs"] = tensor("x")
    assert find_faults(document) == {
        f"{CALL}/kwargs/inputs": "'inputs' is given by position already."
    }


def test_variadic_function_takes_all_its_tensors() -> None:
    x = keras.Input((3,), name="x")
    document, _ = write_call(ops.einsum("ab,ab->a", x, x), x)
    (node,) = read_definition(document).nodes
    assert node.inputs == ["x", "x"]


def graph_of_words(*, by_hand: bool) -> Any:
    deep = keras.Input((7, 4))
    inner = keras.Model(deep, layers.LSTM(3)(deep), name="inner")
    words, kept = keras.Input((7,), name="words"), keras.Input((7,), dtype="bool", name="kept")
    seen = layers.Embedding(5, 4, mask_zero=not by_hand)(words)
    if not by_hand:
        seen = layers.Masking()(layers.Dropout(0.1)(seen))
    return keras.Model([words, kept], [inner(seen, mask=kept if by_hand else None), kept])


def test_only_masks_of_keras_may_enter_a_nested_model() -> None:
    read_definition(graph_of_words(by_hand=False).to_json())
    (place,) = find_faults(graph_of_words(by_hand=True).to_json())
    assert place == "/config/layers/3/inbound_nodes/0/kwargs/mask"
