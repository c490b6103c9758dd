"""Anything at all may be sent as Keras's JSON: the answer is a graph or faults, never an error."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from compiler.keras_json.parsing.document import members
from domain.pointer import tokens_of
from tests.compiler.keras_json.restored import reading

MODELS = Path(__file__).parent / "models"
Steps = tuple[str | int, ...]


def keras_3() -> Any:
    """A model with something of everything."""
    x = keras.Input((5, 4), name="x")
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4)], name="inner")
    shared = layers.LSTM(4, return_state=True, return_sequences=True)
    h, _, state = shared(x + 1.0)
    h, *_ = shared(h[:, ::2], initial_state=[state, state])
    h = layers.TimeDistributed(inner)(h)
    h = layers.Bidirectional(layers.RNN([layers.GRUCell(2), layers.LSTMCell(2)]))(h)
    h = keras.ops.concatenate([h, inner(h)], axis=-1)
    return json.loads(keras.Model(x, {"h": h, "s": state}).to_json())


DOCUMENTS = [keras_3(), *(json.loads(path.read_text()) for path in sorted(MODELS.iterdir()))]


def places(value: Any, place: Steps = ()) -> Iterator[Steps]:
    yield place
    for key, inner in members(value):
        yield from places(inner, (*place, key))


PLACES = [list(places(document))[1:] for document in DOCUMENTS]
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


def changed(document: Any, place: Steps, draw: Any) -> Any:
    """The document with one value replaced, removed, or put in another's place."""
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


@given(st.data())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_a_changed_document_is_read_or_has_faults(data: Any) -> None:
    i = data.draw(st.integers(0, len(DOCUMENTS) - 1))
    document = changed(DOCUMENTS[i], data.draw(st.sampled_from(PLACES[i])), data.draw)
    found = reading(document)
    assert (found.definition is None) == bool(found.faults)
    for fault in found.faults:
        exists(document, fault.pointer)


def exists(document: Any, pointer: str) -> None:
    """A pointer leads to a place in the document; what is missing is missing there."""
    for token in tokens_of(pointer):
        document = document[int(token) if isinstance(document, list) else token]


def test_a_model_beside_a_layer_in_bidirectional_breaks_nothing() -> None:
    model = keras.Sequential(
        [keras.Input((6, 4)), keras.layers.Bidirectional(keras.layers.LSTM(2))]
    )
    document = json.loads(model.to_json())
    config = document["config"]["layers"][1]["config"]
    config["layer"] = json.loads(keras.Sequential([keras.Input((6, 4))]).to_json())
    config["backward_layer"] = {"class_name": "LSTM", "config": {"units": 2}}
    found = reading(document)
    assert found.definition is not None or found.faults
