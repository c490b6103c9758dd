"""Nodes refer to tensors and call their layers."""

from typing import Any

import numpy as np
import pytest

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

LSTM = layer("LSTM", units=3, return_state=True)
TWIN = graph(
    {"p": [4], "q": [4]},
    [
        node("sum", layer("Add"), ["p", "q"]),
        node("difference", layer("Subtract"), ["p", "q"]),
    ],
    ["sum", {"name": "change", "from": "difference"}],
)


def lstm(outputs: list[Any], *nodes: Any) -> dict[str, Any]:
    return graph({"x": [5, 4]}, [node("lstm", LSTM, "x"), *nodes], outputs)


def test_reference_picks_a_tensor_by_index() -> None:
    state = {"name": "state", "from": "lstm:2"}
    dense = node("dense", layer("Dense", units=2), "lstm:0")
    model = build_graph(lstm([state, "dense"], dense)).model
    got = model.predict(np.ones((1, 5, 4), "float32"), verbose=0)
    assert {name: value.shape for name, value in got.items()} == {"state": (1, 3), "dense": (1, 2)}


def test_bare_reference_to_several_tensors_lists_the_picks() -> None:
    listed = "'lstm' gives 3 tensors; pick one: 'lstm:0', 'lstm:1', 'lstm:2'."
    dense = node("dense", layer("Dense", units=2), "lstm")
    merged = node("merged", layer("Add"), ["lstm:0", "lstm"])
    assert find_faults(lstm(["dense", "merged", "lstm"], dense, merged)) == {
        "/nodes/1/inputs": listed,
        "/nodes/2/inputs/1": listed,
        "/outputs/2": listed,
    }


def test_picks_that_do_not_exist_are_refused() -> None:
    outputs = [{"name": "far", "from": "lstm:3"}, {"name": "deep", "from": "dense:0"}]
    found = find_faults(lstm(outputs, node("dense", layer("Dense", units=2), "lstm:0")))
    assert found == {
        "/outputs/0/from": "'lstm' has no tensor '3'; there are 'lstm:0', 'lstm:1', 'lstm:2'.",
        "/outputs/1/from": "'dense' gives a single tensor; leave ':0' out.",
    }


@pytest.mark.parametrize("inputs", [["a", "b"], {"q": "b", "p": "a"}], ids=["list", "names"])
def test_nested_graph_takes_inputs_by_order_or_by_name(inputs: Any) -> None:
    outputs = [{"name": "plus", "from": "twin:sum"}, {"name": "minus", "from": "twin:change"}]
    model = build_graph(
        graph({"b": [4], "a": [4]}, [node("twin", nested(TWIN), inputs)], outputs)
    ).model
    a, b = np.full((1, 4), 5.0, "float32"), np.full((1, 4), 2.0, "float32")
    got = model.predict([b, a], verbose=0)
    assert np.array_equal(got["plus"], a + b)
    assert np.array_equal(got["minus"], a - b)


def test_wrong_inputs_of_a_nested_graph_are_refused() -> None:
    twin, outputs = nested(TWIN), [{"name": "s", "from": "one:sum"}]
    definition = graph(
        {"a": [4]},
        [
            node("one", twin, "a"),
            node("two", twin, {"p": "a", "qq": "a"}),
            node("three", twin, {"p": "a", "q": ["a"]}),
            node("four", twin, ["a", "a"], mask=True),
        ],
        outputs,
    )
    takes = "This graph takes 2 inputs: 'p', 'q'"
    assert find_faults(definition) == {
        "/nodes/0/inputs": f"{takes}, in this order or as an object by these names; 1 given.",
        "/nodes/1/inputs/qq": f"There is no input 'qq'. {takes}. Did you mean 'q'?",
        "/nodes/1/inputs": f"The input 'q' is not given. {takes}.",
        "/nodes/2/inputs/q": "An input of a graph takes one reference.",
        "/nodes/3/call/mask": "The call of Graph has no argument 'mask'; it has 'training'.",
    }


def test_keyword_inputs_reach_the_layer() -> None:
    attention = layer("Attention", score_mode="dot")
    inputs = {"inputs": ["x", "y"]}
    weights = layer("MultiHeadAttention", num_heads=2, key_dim=3)
    named = {"query": "x", "value": "y"}
    definition = graph(
        {"x": [2, 4], "y": [3, 4]},
        [node("a", attention, inputs), node("m", weights, named, use_causal_mask=False)],
        ["a", "m"],
    )
    assert build_graph(definition).model.output["m"].shape == (None, 2, 4)


def test_unknown_call_arguments_are_refused() -> None:
    attention = layer("MultiHeadAttention", num_heads=2, key_dim=3)
    definition = graph(
        {"x": [2, 4]},
        [
            node("one", attention, {"query": "x", "vlaue": "x"}),
            node("two", attention, {"query": "x", "value": "x"}, query=1, training="no"),
            node("three", layer("Dense", units=1), "x", trainin=False),
        ],
        ["one", "two", "three"],
    )
    found = find_faults(definition)
    assert found.keys() == {
        "/nodes/0/inputs/vlaue", "/nodes/0/inputs", "/nodes/1/call/query",
        "/nodes/1/call/training", "/nodes/2/call/trainin",
    }  # fmt: skip
    assert found["/nodes/0/inputs/vlaue"].endswith("Did you mean 'value'?")
    assert "'value', which is not given" in found["/nodes/0/inputs"]


@pytest.mark.parametrize(
    ("made", "place"),
    [
        (layer("GRU", units=2, stateful=True), ""),
        (layer("LSTM", units=2, stateful=True), ""),
        (layer("RNN", cell=layer("GRUCell", units=2), stateful=True), ""),
        (layer("Bidirectional", layer=layer("SimpleRNN", units=2, stateful=True)), "/layer/config"),
    ],
)
def test_stateful_layers_are_refused_at_their_argument(made: Any, place: str) -> None:
    found = find_faults(graph({"x": [3, 2]}, [node("y", made, "x")], ["y"]))
    assert list(found) == [f"/nodes/0/layer/config{place}/stateful"]
    assert "needs a fixed number of rows" in found[f"/nodes/0/layer/config{place}/stateful"]


def test_layers_that_are_not_stateful_are_made() -> None:
    made = layer("GRU", units=2, stateful=False)
    assert find_faults(graph({"x": [3, 2]}, [node("y", made, "x")], ["y"])) == {}


def test_training_false_disables_a_dropout() -> None:
    source = blueprint(graph({"x": [50]}, [node("d", layer("Dropout", rate=0.5), "x")], ["d"]))
    kept = {"type": "Model", "model": MODEL, "trainable": False}
    definition = graph(
        {"x": [50]},
        [node("acts", kept, "x"), node("still", kept, "x", training=False)],
        ["acts", "still"],
    )
    x = np.ones((1, 50), "float32")
    got = build_graph(definition, {MODEL: source}).model([x], training=True)
    assert not np.array_equal(got["acts"], x)
    assert np.array_equal(got["still"], x)


def test_constant_training_applies_to_shared_layers_too() -> None:
    """Keras itself would replace each constant by the `training` of the outer model."""
    definition = graph(
        {"x": [50]},
        [
            node("never", "drop", "x", training=False),
            node("always", "drop", {"inputs": "x"}, training=True),
            node("plain", "drop", "x"),
        ],
        ["never", "always", "plain"],
        drop=layer("Dropout", rate=0.5),
    )
    made = build_graph(definition)
    x = np.ones((1, 50), "float32")
    for training in (True, False):
        got = made.model([x], training=training)
        same = {name: np.array_equal(value, x) for name, value in got.items()}
        assert same == {"never": True, "always": False, "plain": not training}
    assert list(made.variables) == ["drop/seed_generator"]


def test_frozen_batch_normalization_keeps_its_statistics() -> None:
    source = blueprint(graph({"x": [3]}, [node("b", layer("BatchNormalization"), "x")], ["b"]))
    x = np.random.default_rng(0).random((8, 3)).astype("float32")
    moved = {}
    for trainable in (None, True, False):
        part = {"type": "Model", "model": MODEL, "trainable": trainable}
        made = build_graph(graph({"x": [3]}, [node("n", part, "x")], ["n"]), {MODEL: source})
        made.model([x], training=True)
        moved[trainable] = bool(np.any(made.variables["n/b/moving_mean"]))
    assert moved == {None: True, True: True, False: False}


def test_output_may_repeat_a_tensor_or_be_an_input() -> None:
    outputs = ["d", {"name": "again", "from": "d"}, "x"]
    model = build_graph(graph({"x": [3]}, [node("d", layer("Dense", units=2), "x")], outputs)).model
    x = np.ones((2, 3), "float32")
    got = model.predict(x, verbose=0)
    assert list(got) == ["d", "again", "x"]
    assert np.array_equal(got["d"], got["again"])
    assert np.array_equal(got["x"], x)


def test_input_may_be_text() -> None:
    definition = {
        "inputs": [{"name": "word", "shape": [], "dtype": "string"}],
        "nodes": [node("n", layer("StringLookup", vocabulary=["a", "b"]), "word")],
        "outputs": ["n"],
    }
    assert build_graph(definition).model.output["n"].dtype == "int64"


@pytest.mark.parametrize(
    ("kind", "inputs", "call", "detail"),
    [
        ("lstm", "x", {"mask": True}, "'mask' is a tensor, so it belongs in `inputs`."),
        ("lstm", "x", {"initial_state": [[1.0]]}, "'initial_state' is a tensor"),
        ("lstm", "x", {"training": None}, "'training' must be true or false."),
        ("lstm", "x", {"training": 1}, "'training' must be true or false."),
        ("attention", ["x", "x"], {"return_attention_scores": "yes"}, "must be true or false."),
        ("attention", ["x", "x"], {"use_causal_mask": {}}, "must be true or false."),
    ],
)
def test_constants_that_are_no_flags_are_refused(
    kind: str, inputs: Any, call: Any, detail: str
) -> None:
    made = {"lstm": layer("LSTM", units=2), "attention": layer("Attention")}[kind]
    found = find_faults(graph({"x": [4, 3]}, [node("n", made, inputs, **call)], ["n"]))
    assert list(found) == [f"/nodes/0/call/{next(iter(call))}"]
    assert detail in next(iter(found.values()))


def test_flag_cannot_be_a_tensor() -> None:
    inputs = {"inputs": ["x", "x"], "use_causal_mask": "x"}
    found = find_faults(graph({"x": [4, 3]}, [node("n", layer("Attention"), inputs)], ["n"]))
    assert list(found) == ["/nodes/0/inputs/use_causal_mask"]


def test_null_means_an_omitted_argument() -> None:
    definition = graph({"x": [4, 3]}, [node("n", layer("LSTM", units=2), "x", mask=None)], ["n"])
    assert find_faults(definition) == {}


def test_shared_graph_that_cannot_be_built_has_one_fault() -> None:
    inner = graph({"x": [3]}, [node("r", layer("Reshape", target_shape=[7]), "x")], ["r"])
    nodes = [node(f"n{i}", "inner", "x") for i in range(3)]
    names = [item["name"] for item in nodes]
    assert list(find_faults(graph({"x": [3]}, nodes, names, inner=nested(inner)))) == [
        "/layers/inner/graph/nodes/0"
    ]


@pytest.mark.parametrize(
    ("made", "dtype", "detail"),
    [
        (layer("Dense", units=2), "string", "Dense takes no text."),
        (layer("TimeDistributed", layer=layer("Dense", units=2)), "string", "takes no text."),
        (layer("StringLookup", vocabulary=["a"]), "float32", "StringLookup takes text, not float"),
        (layer("Conv1D", filters=2, kernel_size=1), "uint8", "Conv1D does not take uint8 ["),
        (layer("Dropout", rate=0.5), "int32", "Dropout does not take int32 ["),
        (nested(TWIN), "string", "The input 'p' of this graph is float32, not string."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_dtypes_that_would_fail_in_training_are_refused_at_the_node(
    made: Any, dtype: str, detail: str
) -> None:
    inputs = ["x", "x"] if made["type"] == "Graph" else "x"
    shape: list[int | None] = [4] if made["type"] == "Graph" else [2, 3]
    definition = graph({"x": shape}, [node("n", made, inputs)], [])
    definition["outputs"] = [{"name": "o", "from": "n:sum" if made["type"] == "Graph" else "n"}]
    definition["inputs"][0]["dtype"] = dtype
    found = find_faults(definition)
    assert list(found) == ["/nodes/0"]
    assert detail in found["/nodes/0"]


@pytest.mark.parametrize(
    ("made", "shape"),
    [
        (layer("Softmax", axis=5), [3]),
        (layer("Rescaling", scale=[1.0, 2.0]), [3]),
        (layer("Dropout", rate=0.5, noise_shape=[7, 7]), [3, 4]),
        (layer("RMSNormalization", axis=1), [3, 4]),
        (layer("AdaptiveMaxPooling1D", output_size=2), [1, 4]),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_shapes_that_keras_does_not_check_are_refused(made: Any, shape: list[int | None]) -> None:
    found = find_faults(graph({"x": shape}, [node("n", made, "x")], ["n"]))
    assert list(found) == ["/nodes/0"]
    assert made["type"] in found["/nodes/0"]


def test_text_passes_layers_that_only_move_it() -> None:
    lookup = layer("TimeDistributed", layer=layer("StringLookup", vocabulary=["a", "b"]))
    nodes = [
        node("turned", layer("Permute", dims=[2, 1]), "x"),
        node("found", lookup, "turned"),
        {"name": "same", "op": "equal", "inputs": ["x", "x"]},
    ]
    definition = graph({"x": [2, 3]}, nodes, ["found", "same"])
    definition["inputs"][0]["dtype"] = "string"
    given = build_graph(definition).model(np.array([[["a", "b", "c"], ["c", "b", "a"]]]))
    assert given["found"].numpy().tolist() == [[[1, 0], [2, 2], [0, 1]]]


def test_tensor_with_too_many_axes_is_refused() -> None:
    far = layer("Reshape", target_shape=[1] * 300)
    nodes = [node("far", far, "x"), node("after", layer("Dense", units=2), "far")]
    found = find_faults(graph({"x": [1]}, nodes, ["after"]))
    assert len(found) == 1
    assert next(iter(found)).startswith("/nodes/0")
