"""Every document that is sent as Keras's JSON yields a graph or faults, never an exception."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from compiler.keras_json.parsing.document import members
from domain.json.pointer import tokens_of
from tests.compiler.keras_json.restored import read_document

MODELS = Path(__file__).parent / "models"
Steps = tuple[str | int, ...]


def write_keras_3() -> Any:
    """Return the JSON of a model with nested models, shared layers, states and wrappers."""
    x = keras.Input((5, 4), name="x")
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4)], name="inner")
    shared = layers.LSTM(4, return_state=True, return_sequences=True)
    h, _, state = shared(x + 1.0)
    h, *_ = shared(h[:, ::2], initial_state=[state, state])
    h = layers.TimeDistributed(inner)(h)
    h = layers.Bidirectional(layers.RNN([layers.GRUCell(2), layers.LSTMCell(2)]))(h)
    h = keras.ops.concatenate([h, inner(h)], axis=-1)
    return json.loads(keras.Model(x, {"h": h, "s": state}).to_json())


DOCUMENTS = [write_keras_3(), *(json.loads(path.read_text()) for path in sorted(MODELS.iterdir()))]


def walk_places(value: Any, place: Steps = ()) -> Iterator[Steps]:
    yield place
    for key, inner in members(value):
        yield from walk_places(inner, (*place, key))


PLACES = [list(walk_places(document))[1:] for document in DOCUMENTS]
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["x", "Dense", "Lambda", "Functional", "__numpy__", "float16", "training"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["class_name", "config", "name", "module", "layers", "value", "a b"]),
        inner,
        max_size=3,
    ),
    max_leaves=6,
)  # fmt: skip


def change(document: Any, place: Steps, draw: Any) -> Any:
    """Return the document with one value removed, or replaced by junk or by the document."""
    document = copy.deepcopy(document)
    holder = document
    for key in place[:-1]:
        holder = holder[key]
    how = draw(st.sampled_from(["replace", "replace", "remove", "swap"]))
    if how == "remove":
        del holder[place[-1]]
    elif how == "swap":
        holder[place[-1]] = copy.deepcopy(document)
    else:
        holder[place[-1]] = draw(JUNK)
    return document


@pytest.mark.slow
@given(st.data())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_changed_document_is_read_or_has_faults(data: Any) -> None:
    i = data.draw(st.integers(0, len(DOCUMENTS) - 1))
    document = change(DOCUMENTS[i], data.draw(st.sampled_from(PLACES[i])), data.draw)
    found = read_document(document)
    assert (found.definition is None) == bool(found.faults)
    for fault in found.faults:
        assert_exists(document, fault.pointer)


def assert_exists(document: Any, pointer: str) -> None:
    """Assert that a pointer leads to a place in the document."""
    for token in tokens_of(pointer):
        document = document[int(token) if isinstance(document, list) else token]


def test_model_in_bidirectional_is_read_or_has_faults() -> None:
    model = keras.Sequential(
        [keras.Input((6, 4)), keras.layers.Bidirectional(keras.layers.LSTM(2))]
    )
    document = json.loads(model.to_json())
    config = document["config"]["layers"][1]["config"]
    config["layer"] = json.loads(keras.Sequential([keras.Input((6, 4))]).to_json())
    config["backward_layer"] = {"class_name": "LSTM", "config": {"units": 2}}
    found = read_document(document)
    assert found.definition is not None or found.faults
