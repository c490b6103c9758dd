"""Initial weights equal those of the same Keras script, bit for bit."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from tests.compiler.graphs import MODEL, blueprint, build_graph, graph, layer, node
from tests.support.example_bodies import example

SEED = 7


def make_dense() -> Any:
    picture = keras.Input((784,))
    x = layers.Dense(64, activation="relu")(picture)
    x = layers.Dense(64, activation="relu")(x)
    return keras.Model(picture, layers.Dense(10, activation="softmax")(x))


def make_multi_input() -> Any:
    main, aux = keras.Input((100,), dtype="int32"), keras.Input((5,))
    x = layers.Embedding(input_dim=10000, output_dim=512)(main)
    lstm = layers.LSTM(32)(x)
    aux_output = layers.Dense(1, activation="sigmoid")(lstm)
    x = layers.concatenate([lstm, aux])
    for _ in range(3):
        x = layers.Dense(64, activation="relu")(x)
    main_output = layers.Dense(1, activation="sigmoid")(x)
    return keras.Model([main, aux], {"main_output": main_output, "aux_output": aux_output})


def make_shared_lstm() -> Any:
    a, b = keras.Input((140, 256)), keras.Input((140, 256))
    shared = layers.LSTM(64)
    merged = layers.concatenate([shared(a), shared(b)], axis=-1)
    return keras.Model([a, b], layers.Dense(1, activation="sigmoid")(merged))


def make_model_as_layer() -> Any:
    trained = make_dense()
    trained.trainable = False
    picture = keras.Input((784,))
    return keras.Model(picture, layers.Dense(10, activation="softmax")(trained(picture)))


def make_random_layers() -> Any:
    x = keras.Input((6, 4))
    sequence = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(x)
    y = layers.RNN([layers.GRUCell(3), layers.LSTMCell(2, dropout=0.5)])(sequence)
    y = layers.Dropout(0.5)(y)
    out = layers.Dense(
        3,
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.1),
        bias_initializer="random_normal",
    )(y)
    return keras.Model(x, out)


def write_random_layers() -> dict[str, Any]:
    cells = [layer("GRUCell", units=3), layer("LSTMCell", units=2, dropout=0.5)]
    lstm = layer("LSTM", units=3, return_sequences=True)
    initializer = {"class_name": "TruncatedNormal", "config": {"stddev": 0.1}}
    dense = layer(
        "Dense", units=3, kernel_initializer=initializer, bias_initializer="random_normal"
    )
    return graph(
        {"x": [6, 4]},
        [
            node("out", dense, "dropped"),  # the order of nodes is free
            node("both", layer("Bidirectional", layer=lstm), "x"),
            node("rnn", layer("RNN", cell=cells), "both"),
            node("dropped", layer("Dropout", rate=0.5), "rnn"),
        ],
        ["out"],
    )


@pytest.mark.parametrize(
    ("definition", "script"),
    [
        (example("dense")["graph"]["definition"], make_dense),
        (example("multi_input")["graph"]["definition"], make_multi_input),
        (example("shared_lstm")["graph"]["definition"], make_shared_lstm),
        (example("model_as_layer")["graph"]["definition"], make_model_as_layer),
        (write_random_layers(), make_random_layers),
    ],
    ids=["dense", "multi-input", "shared-lstm", "model-as-layer", "wrappers"],
)
def test_initial_weights_equal_those_of_the_script(
    definition: Any, script: Callable[[], Any]
) -> None:
    sources = {MODEL: blueprint(example("dense")["graph"]["definition"])}
    ours = build_graph(definition, sources, seed=SEED).model
    keras.utils.set_random_seed(SEED)
    theirs = script()
    assert len(ours.variables) == len(theirs.variables)
    for one, other in zip(ours.variables, theirs.variables, strict=True):
        assert np.array_equal(one, other), one.path
    assert len(ours.trainable_variables) == len(theirs.trainable_variables)


def test_seed_determines_all_variables() -> None:
    definition = example("dense")["graph"]["definition"]
    first, again, other = (build_graph(definition, seed=seed) for seed in (1, 1, 2))
    key = "hidden_1/kernel"
    assert np.array_equal(first.variables[key], again.variables[key])
    assert not np.array_equal(first.variables[key], other.variables[key])
