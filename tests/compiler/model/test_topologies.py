"""Every topology of the language equals the same model written in Keras.

Both models are made from one seed, so their weights are equal. One step of gradient descent
then shows that their gradients are equal too.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import Input, layers, ops

from tests.compiler.graphs import (
    MODEL,
    blueprint,
    build_graph,
    find_faults,
    graph,
    layer,
    nested,
    node,
)

Script = Callable[[], tuple[list[Any], list[Any]]]
"""The inputs and the outputs of a Keras model."""


def assert_alike(definition: Any, script: Script, *, sources: Any = None, whole: int = 0) -> Any:
    """Assert that a graph and a script make equal models.

    Args:
        definition: The graph.
        script: Returns the inputs and the outputs of the Keras model.
        sources: The blueprints of trained models, by id.
        whole: Inputs of whole numbers have values from 0 to `whole - 1`.

    Returns:
        The model of the graph.
    """
    result = build_graph(definition, sources, seed=3)
    made = result.model
    keras.utils.set_random_seed(3)
    inputs, outputs = script()
    direct = keras.Model(inputs, dict(zip(result.outputs, outputs, strict=True)))
    assert [o.shape for o in result.outputs.values()] == [o.shape for o in outputs]
    assert made.count_params() == direct.count_params()
    arrays = [_make_array(item, whole) for item in made.inputs]
    _assert_equal(made(arrays), direct(arrays))
    _descend(made, arrays)
    _descend(direct, arrays)
    _assert_equal(made(arrays), direct(arrays))
    return made


def _make_array(item: Any, whole: int) -> Any:
    random = np.random.default_rng(0)
    shape = [2, *(5 if axis is None else axis for axis in item.shape[1:])]
    if item.dtype.startswith("int"):
        return random.integers(0, whole, shape).astype(item.dtype)
    if item.dtype == "bool":
        return random.random(shape) < 0.7
    return random.normal(size=shape).astype(item.dtype)


def _descend(model: Any, arrays: list[Any]) -> None:
    with tf.GradientTape() as tape:
        loss = sum(ops.mean(ops.square(output)) for output in model(arrays).values())
    variables = model.trainable_variables
    gradients = tape.gradient(loss, [variable.value for variable in variables])
    assert variables == [] or any(gradient is not None for gradient in gradients)
    for variable, gradient in zip(variables, gradients, strict=True):
        if gradient is not None:
            variable.assign_sub(0.1 * tf.convert_to_tensor(gradient))


def _assert_equal(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_allclose(value, other[name], rtol=1e-4, atol=1e-6)


def pick(name: str, *picks: Any) -> list[dict[str, str]]:
    """Return an output for each pick of a node."""
    return [{"name": f"{name}_{pick}", "from": f"{name}:{pick}"} for pick in picks]


@pytest.mark.parametrize(
    ("kind", "cls", "shape", "count", "config"),
    [
        ("LSTM", layers.LSTM, [4, 3], 3, {"units": 2}),
        ("GRU", layers.GRU, [4, 3], 2, {"units": 2}),
        ("SimpleRNN", layers.SimpleRNN, [4, 3], 2, {"units": 2}),
        ("ConvLSTM1D", layers.ConvLSTM1D, [3, 5, 2], 3, {"filters": 2, "kernel_size": 2}),
    ],
)
def test_states_may_be_outputs(
    kind: str, cls: Any, shape: list[int | None], count: int, config: dict[str, Any]
) -> None:
    config = {**config, "return_state": True, "return_sequences": True}
    definition = graph(
        {"x": shape}, [node("rnn", layer(kind, **config), "x")], pick("rnn", *range(count))
    )

    def script() -> Any:
        x = Input(shape)
        return [x], list(cls(**config)(x))

    assert_alike(definition, script)


@pytest.mark.slow
def test_bidirectional_layer_starts_from_the_states_of_another() -> None:
    config = {"units": 2, "return_state": True}
    definition = graph(
        {"x": [4, 3], "y": [5, 3]},
        [
            node("encoder", layer("Bidirectional", layer=layer("LSTM", **config)), "x"),
            node(
                "decoder",
                layer("Bidirectional", layer=layer("LSTM", units=2)),
                {"sequences": "y", "initial_state": [f"encoder:{i}" for i in range(1, 5)]},
            ),
        ],
        ["decoder"],
    )

    def script() -> Any:
        x, y = Input((4, 3)), Input((5, 3))
        _, *states = layers.Bidirectional(layers.LSTM(**config))(x)
        return [x, y], [layers.Bidirectional(layers.LSTM(2))(y, initial_state=states)]

    assert_alike(definition, script)


@pytest.mark.slow
@pytest.mark.parametrize(("merge_mode", "count"), [("concat", 1), ("sum", 1), (None, 2)])
def test_bidirectional_layer_has_its_own_backward_layer(merge_mode: Any, count: int) -> None:
    fore = {"units": 2, "return_sequences": True}
    back = {"units": 2, "return_sequences": True, "go_backwards": True, "activation": "relu"}
    both = layer(
        "Bidirectional",
        layer=layer("LSTM", **fore),
        backward_layer=layer("GRU", **back),
        merge_mode=merge_mode,
    )
    outputs = ["both"] if count == 1 else pick("both", 0, 1)

    def script() -> Any:
        x = Input((4, 3))
        made = layers.Bidirectional(
            layers.LSTM(**fore), backward_layer=layers.GRU(**back), merge_mode=merge_mode
        )
        return [x], keras.tree.flatten(made(x))

    assert_alike(graph({"x": [4, 3]}, [node("both", both, "x")], outputs), script)


def test_decoder_starts_from_the_states_of_an_encoder() -> None:
    definition = graph(
        {"source": [None, 3], "target": [None, 2]},
        [
            node("encoder", layer("LSTM", units=4, return_state=True), "source"),
            node(
                "decoder",
                layer("LSTM", units=4, return_sequences=True, return_state=True),
                {"sequences": "target", "initial_state": ["encoder:1", "encoder:2"]},
            ),
            node("words", layer("Dense", units=5, activation="softmax"), "decoder:0"),
        ],
        ["words"],
    )

    def script() -> Any:
        source, target = Input((None, 3)), Input((None, 2))
        _, h, c = layers.LSTM(4, return_state=True)(source)
        decoder = layers.LSTM(4, return_sequences=True, return_state=True)
        sequence, _, _ = decoder(target, initial_state=[h, c])
        return [source, target], [layers.Dense(5, activation="softmax")(sequence)]

    assert_alike(definition, script)


@pytest.mark.parametrize("listed", [True, False], ids=["list", "StackedRNNCells"])
def test_stacked_cells_equal_keras(listed: bool) -> None:
    cells = [layer("LSTMCell", units=2), layer("GRUCell", units=3)]
    cell = cells if listed else layer("StackedRNNCells", cells=cells)
    rnn = layer("RNN", cell=cell, return_state=True, return_sequences=True)

    def script() -> Any:
        x = Input((4, 3))
        cells = [layers.LSTMCell(2), layers.GRUCell(3)]
        made = layers.RNN(
            cells if listed else layers.StackedRNNCells(cells),
            return_state=True,
            return_sequences=True,
        )
        return [x], keras.tree.flatten(made(x))

    assert_alike(graph({"x": [4, 3]}, [node("rnn", rnn, "x")], pick("rnn", 0, 1, 2, 3)), script)


@pytest.mark.slow
def test_stacked_cells_start_from_the_states_of_others() -> None:
    """The graph lists all states in one list; Keras takes one list for each cell."""
    kinds = [layer("LSTMCell", units=2), layer("GRUCell", units=3)]
    states = [f"encoder:{i}" for i in range(1, 4)]
    definition = graph(
        {"x": [4, 3], "y": [5, 3], "step": [3]},
        [
            node("encoder", layer("RNN", cell=kinds, return_state=True), "x"),
            node("decoder", layer("RNN", cell=kinds), {"sequences": "y", "initial_state": states}),
            node(
                "cells",
                layer("StackedRNNCells", cells=kinds),
                {"inputs": "step", "states": states},
            ),
        ],
        ["decoder", *pick("cells", 0, 1, 2, 3)],
    )

    def cells() -> list[Any]:
        return [layers.LSTMCell(2), layers.GRUCell(3)]

    def script() -> Any:
        x, y, step = Input((4, 3)), Input((5, 3)), Input((3,))
        _, *states = layers.RNN(cells(), return_state=True)(x)
        decoded = layers.RNN(cells())(y, initial_state=states)
        stepped = layers.StackedRNNCells(cells())(step, states)
        return [x, y, step], [decoded, *keras.tree.flatten(stepped)]

    assert_alike(definition, script)


@pytest.mark.parametrize(
    ("made", "given", "count"),
    [
        (layer("RNN", cell=[layer("GRUCell", units=3)] * 2), ["h"], "2 states"),
        (layer("Bidirectional", layer=layer("LSTM", units=3)), ["h", "h"], "4 states"),
        (layer("GRU", units=3), ["h", "h"], "1 state,"),
        (layer("ConvLSTM1D", filters=2, kernel_size=1), ["h"], "2 states"),
    ],
)
def test_wrong_number_of_states_is_refused(made: Any, given: Any, count: str) -> None:
    calls = [node("rnn", made, {"sequences": "x", "initial_state": given})]
    (detail,) = find_faults(graph({"x": [4, 3], "h": [3]}, calls, ["rnn"])).values()
    assert detail.startswith(f"This layer has {count}")


@pytest.mark.slow
def test_recurrent_convolution_starts_from_the_states_of_another() -> None:
    config = {"filters": 2, "kernel_size": 2}
    calls = [
        node("one", layer("ConvLSTM1D", **config, return_state=True), "x"),
        node(
            "two",
            layer("ConvLSTM1D", **config),
            {"sequences": "y", "initial_state": ["one:1", "one:2"]},
        ),
    ]

    def script() -> Any:
        x, y = Input((3, 5, 2)), Input((4, 5, 2))
        _, *states = layers.ConvLSTM1D(**config, return_state=True)(x)
        return [x, y], [layers.ConvLSTM1D(**config)(y, initial_state=states)]

    assert_alike(graph({"x": [3, 5, 2], "y": [4, 5, 2]}, calls, ["two"]), script)


def test_attention_scores_may_be_outputs() -> None:
    heads = {"num_heads": 2, "key_dim": 3}
    definition = graph(
        {"q": [4, 3], "v": [5, 3], "k": [5, 2]},
        [
            node(
                "many",
                layer("MultiHeadAttention", **heads),
                {"query": "q", "value": "v", "key": "k"},
                return_attention_scores=True,
            ),
            node(
                "one",
                layer("Attention", use_scale=True),
                ["q", "v"],
                return_attention_scores=True,
                use_causal_mask=True,
            ),
        ],
        [*pick("many", 0, 1), *pick("one", 0, 1)],
    )

    def script() -> Any:
        q, v, k = Input((4, 3)), Input((5, 3)), Input((5, 2))
        many = layers.MultiHeadAttention(**heads)(
            query=q, value=v, key=k, return_attention_scores=True
        )
        one = layers.Attention(use_scale=True)(
            [q, v], return_attention_scores=True, use_causal_mask=True
        )
        return [q, v, k], [*many, *one]

    assert_alike(definition, script)


def test_masks_reach_later_layers() -> None:
    """The mask of an Embedding passes Dropout, TimeDistributed and Concatenate to an LSTM."""
    definition = graph(
        {"words": [6], "signal": [6, 3]},
        [
            node(
                "embedded", layer("Embedding", input_dim=5, output_dim=3, mask_zero=True), "words"
            ),
            node("dropped", layer("Dropout", rate=0.5), "embedded"),
            node("each", layer("TimeDistributed", layer=layer("Dense", units=3)), "dropped"),
            node("masked", layer("Masking", mask_value=0.5), "signal"),
            node("merged", layer("Concatenate"), ["each", "masked"]),
            node("lstm", layer("LSTM", units=2), "merged"),
            node("pooled", layer("GlobalAveragePooling1D"), "embedded"),
        ],
        ["lstm", "pooled"],
    )
    definition["inputs"][0]["dtype"] = "int32"

    def script() -> Any:
        words, signal = Input((6,), dtype="int32"), Input((6, 3))
        embedded = layers.Embedding(5, 3, mask_zero=True)(words)
        dropped = layers.Dropout(0.5)(embedded)
        each = layers.TimeDistributed(layers.Dense(3))(dropped)
        merged = layers.Concatenate()([each, layers.Masking(0.5)(signal)])
        lstm = layers.LSTM(2)(merged)
        return [words, signal], [lstm, layers.GlobalAveragePooling1D()(embedded)]

    model = assert_alike(definition, script, whole=2)
    signal = np.ones((2, 6, 3), "float32")
    long, short = np.array([[1, 1, 1, 0, 0, 0]] * 2), np.array([[1, 1, 1, 1, 1, 1]] * 2)
    assert not np.allclose(model([long, signal])["lstm"], model([short, signal])["lstm"])


def test_operation_drops_masks_as_keras_does() -> None:
    definition = graph(
        {"words": [6]},
        [
            node(
                "embedded", layer("Embedding", input_dim=5, output_dim=3, mask_zero=True), "words"
            ),
            {"name": "twice", "op": "add", "inputs": ["embedded", "embedded"]},
            node("all", layer("LSTM", units=2), "twice"),
        ],
        ["all"],
    )
    definition["inputs"][0]["dtype"] = "int32"

    def script() -> Any:
        words = Input((6,), dtype="int32")
        embedded = layers.Embedding(5, 3, mask_zero=True)(words)
        return [words], [layers.LSTM(2)(embedded + embedded)]

    assert_alike(definition, script, whole=2)


def test_mask_may_be_an_input() -> None:
    definition = graph(
        {"x": [4, 3], "valid": [4]},
        [
            node("gru", layer("GRU", units=2), {"sequences": "x", "mask": "valid"}),
            node(
                "attended",
                layer("MultiHeadAttention", num_heads=1, key_dim=2),
                {"query": "x", "value": "x", "value_mask": "valid"},
            ),
        ],
        ["gru", "attended"],
    )
    definition["inputs"][1]["dtype"] = "bool"

    def script() -> Any:
        x, valid = Input((4, 3)), Input((4,), dtype="bool")
        gru = layers.GRU(2)(x, mask=valid)
        attention = layers.MultiHeadAttention(1, 2)
        return [x, valid], [gru, attention(x, x, value_mask=valid)]

    assert_alike(definition, script)


def test_thirty_nested_graphs_equal_keras() -> None:
    inner = graph({"x": [2]}, [node("dense", layer("Dense", units=2), "x")], ["dense"])
    for _ in range(30):
        inner = graph({"x": [2]}, [node("in", nested(inner), "x")], ["in"])

    def script() -> Any:
        x = Input((2,))
        y = Input((2,))
        model = keras.Model(y, layers.Dense(2)(y))
        for _ in range(30):
            z = Input((2,))
            model = keras.Model(z, model(z))
        return [x], [model(x)]

    model = assert_alike(graph({"x": [2]}, [node("n", nested(inner), "x")], ["n"]), script)
    assert model.count_params() == 6


def test_graph_called_twice_returns_an_inner_tensor() -> None:
    twin = graph(
        {"x": [3]},
        [
            node("hidden", layer("Dense", units=4, activation="tanh"), "x"),
            node("end", layer("Dense", units=3), "hidden"),
        ],
        ["end", "hidden"],
    )
    definition = graph(
        {"a": [3]},
        [node("one", "twin", "a"), node("two", "twin", "one:end")],
        [*pick("two", "end", "hidden"), *pick("one", "hidden")],
        twin=nested(twin),
    )

    def script() -> Any:
        a, x = Input((3,)), Input((3,))
        hidden = layers.Dense(4, activation="tanh")(x)
        twin = keras.Model(x, [layers.Dense(3)(hidden), hidden])
        one = twin(a)
        two = twin(one[0])
        return [a], [*two, one[1]]

    assert_alike(definition, script)


def test_nested_graphs_use_one_shared_layer() -> None:
    """Two nested graphs, a node outside and a TimeDistributed use the same six weights."""
    inner = graph(
        {"x": [2]},
        [node("own", layer("Dense", units=2, activation="tanh"), "x"), node("n", "shared", "own")],
        ["n"],
    )
    definition = graph(
        {"a": [2], "many": [3, 2]},
        [
            node("first", nested(inner), "a"),
            node("second", nested(inner), "first"),
            node("outside", "shared", "second"),
            node("each", layer("TimeDistributed", layer="shared"), "many"),
        ],
        ["outside", "each", "first"],
        shared=layer("Dense", units=2),
    )

    def script() -> Any:
        a, many = Input((2,)), Input((3, 2))
        first = layers.Dense(2, activation="tanh")(a)
        shared = layers.Dense(2)
        first = shared(first)
        second = shared(layers.Dense(2, activation="tanh")(first))
        return [a, many], [shared(second), layers.TimeDistributed(shared)(many), first]

    assert assert_alike(definition, script).count_params() == 18


@pytest.mark.slow
def test_graph_runs_for_every_step_and_directly() -> None:
    inner = graph(
        {"x": [4, 2]},
        [
            node("lstm", layer("LSTM", units=3), "x"),
            {"name": "doubled", "op": "multiply", "inputs": "lstm", "config": {"x2": 2}},
        ],
        ["doubled"],
    )
    definition = graph(
        {"many": [5, 4, 2], "one": [4, 2]},
        [
            node("each", layer("TimeDistributed", layer="inner"), "many"),
            node("alone", "inner", "one"),
        ],
        ["each", "alone"],
        inner=nested(inner),
    )

    def script() -> Any:
        many, one, x = Input((5, 4, 2)), Input((4, 2)), Input((4, 2))
        inner = keras.Model(x, layers.LSTM(3)(x) * 2)
        return [many, one], [layers.TimeDistributed(inner)(many), inner(one)]

    assert_alike(definition, script)


def test_wrappers_and_pipelines_equal_keras() -> None:
    spectral = layer("SpectralNormalization", layer=layer("Dense", units=3))
    pipeline = layer("Pipeline", layers=[layer("Rescaling", scale=0.5), layer("Dense", units=2)])
    definition = graph(
        {"x": [4]},
        [node("norm", spectral, "x"), node("line", pipeline, "norm")],
        ["line"],
    )

    def script() -> Any:
        x = Input((4,))
        norm = layers.SpectralNormalization(layers.Dense(3))(x)
        return [x], [layers.Pipeline([layers.Rescaling(0.5), layers.Dense(2)])(norm)]

    assert_alike(definition, script)


def test_model_may_be_a_layer() -> None:
    source = graph(
        {"p": [3], "q": [3]},
        [
            node("dense", "one", "p"),
            node("other", "one", "q"),
            node("n", layer("Add"), ["dense", "other"]),
        ],
        ["n", "dense"],
        one=layer("Dense", units=3),
    )
    kept = {"type": "Model", "model": MODEL, "trainable": False}
    definition = graph(
        {"a": [3], "b": [3]},
        [
            node("frozen", kept, {"q": "a", "p": "b"}),
            node("head", layer("Dense", units=2), "frozen:n"),
        ],
        ["head", *pick("frozen", "dense")],
    )

    def script() -> Any:
        a, b, p, q = (Input((3,)) for _ in range(4))
        one = layers.Dense(3)
        first = one(p)
        frozen = keras.Model([p, q], [layers.Add()([first, one(q)]), first])
        frozen.trainable = False
        n, first = frozen([b, a])
        return [a, b], [layers.Dense(2)(n), first]

    model = assert_alike(definition, script, sources={MODEL: blueprint(source)})
    assert len(model.trainable_variables) == 2


def test_input_and_inner_tensor_may_be_outputs() -> None:
    definition = graph(
        {"x": [3]},
        [node("low", layer("Dense", units=2), "x"), node("high", layer("Dense", units=1), "low")],
        ["high", "low", "x"],
    )

    def script() -> Any:
        x = Input((3,))
        low = layers.Dense(2)(x)
        return [x], [layers.Dense(1)(low), low, x]

    assert_alike(definition, script)


@pytest.mark.parametrize("argument", ["layer", "cell"])
def test_graph_as_a_recurrent_layer_is_refused(argument: str) -> None:
    inner = graph({"x": [4, 3]}, [node("n", layer("LSTM", units=2), "x")], ["n"])
    kind = {"layer": "Bidirectional", "cell": "RNN"}[argument]
    found = find_faults(
        graph({"x": [4, 3]}, [node("n", layer(kind, **{argument: nested(inner)}), "x")], ["n"])
    )
    assert len(found) == 1
    assert next(iter(found)).startswith("/nodes/0/layer/config")
