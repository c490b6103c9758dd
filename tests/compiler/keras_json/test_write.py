"""A graph is written as Keras's JSON if plain Keras loads the same model from it."""

import json
import re
import time
from pathlib import Path
from typing import Any

import keras
import pytest

from compiler.catalogue.layers import CATALOGUE
from compiler.keras_json.roundtrip import is_omitted
from compiler.keras_json.write import write
from compiler.model.build import build
from tests.compiler.graphs import MODEL, OTHER, blueprint, graph, layer, make_layer, nested, node
from tests.compiler.keras_json.reload import assert_reloads, find_faults, write_graph
from tests.compiler.layer_cases import CASES

ROOT = Path(__file__).parents[3]
DENSE = layer("Dense", units=4)
INNER = graph(
    {"x": [4]},
    [
        node("deep", DENSE, "x"),
        node("calm", layer("BatchNormalization"), "deep"),
        node("end", layer("Dense", units=2), "calm"),
    ],
    ["end", "calm"],
)
SOURCES = {MODEL: blueprint(INNER)}
COPY = {"type": "Model", "model": MODEL}


def nest(depth: int) -> dict[str, Any]:
    """Return a graph with `depth` graphs nested in each other."""
    definition = graph({"x": [2]}, [node("d", layer("Dense", units=2), "x")], ["d"])
    for _ in range(depth):
        definition = graph({"x": [2]}, [node("d", nested(definition), "x")], ["d"])
    return definition


SOUND = {
    "an input is an output, and a tensor two": graph(
        {"b": [4], "a": [3]},
        [node("z", DENSE, "b"), node("c", DENSE, "a")],
        ["z", "a", "c", {"name": "again", "from": "z"}],
    ),
    "a nested graph is called twice": graph(
        {"b": [4], "a": [4]},
        [
            node("one", "twin", "a"),
            node("two", "twin", {"x": "b"}),
            node("met", layer("Concatenate"), ["two:end", "one:calm", "two:calm"]),
        ],
        ["met", {"name": "q", "from": "one:end"}],
        twin=nested(INNER),
    ),
    "a shared layer is only inside": graph(
        {"a": [4]},
        [
            node("n", nested(graph(
                {"x": [4]}, [node("p", "s", "x"), node("q", "s", "p")], ["q"])), "a"),
        ],
        ["n"],
        s=DENSE,
    ),
    "a wrapper that holds a shared layer is shared": graph(
        {"x": [5, 4], "y": [5, 4]},
        [node("b", "each", "x"), node("c", "each", "y")],
        ["b", "c"],
        each=layer("TimeDistributed", layer="one"),
        one=DENSE,
    ),
    "both directions are named": graph(
        {"x": [5, 4]},
        [node("b", layer("Bidirectional", layer="there", backward_layer="back"), "x")],
        ["b"],
        there=layer("LSTM", units=3),
        back=layer("LSTM", units=3, go_backwards=True),
    ),
    "a frozen base is called without training": graph(
        {"x": [4]},
        [node("base", {**COPY, "trainable": False}, "x", training=False),
         node("head", DENSE, "base:end")],
        ["head"],
    ),
    "some layers are frozen": graph(
        {"x": [3, 4]},
        [
            node("n", layer("TimeDistributed", layer=nested(graph(
                {"x": [4]},
                [node("d", layer("Dense", units=4, trainable=False), "x"),
                 node("bn", layer("BatchNormalization", trainable=False), "d")], ["bn"]))), "x"),
            node("r", layer("RNN", cell=[layer("GRUCell", units=3, trainable=False),
                                         layer("LSTMCell", units=2)]), "n"),
        ],
        ["r"],
    ),
    "states, masks and scores": graph(
        {"x": [5]},
        [
            node("e", layer("Embedding", input_dim=10, output_dim=4, mask_zero=True), "x"),
            node("l", layer("LSTM", units=3, return_sequences=True, return_state=True), "e"),
            node("k", layer("LSTM", units=3), {"sequences": "e", "initial_state": ["l:1", "l:2"]}),
            node("m", layer("MultiHeadAttention", num_heads=2, key_dim=3),
                 {"query": "e", "value": "l:0"}, return_attention_scores=True),
        ],
        ["k", {"name": "seen", "from": "m:0"}, {"name": "scores", "from": "m:1"}],
    ),
    "names of what Keras makes for masks": graph(
        {"x": [5]},
        [
            node("not_equal", layer("Embedding", input_dim=9, output_dim=4, mask_zero=True), "x"),
            node("any", layer("Masking", mask_value=0.5), "not_equal"),
            node("concatenate", layer("Concatenate"), ["any", "not_equal"]),
            node("all", layer("GRU", units=3), "concatenate"),
        ],
        ["all"],
    ),
    "policies": graph(
        {"x": [4]},
        [node("d", layer("Dense", units=4, dtype="mixed_float16"), "x"),
         node("e", layer("Dense", units=2, dtype="float64"), "d")],
        ["d", "e"],
    ),
    "low rank": graph(
        {"x": [4]}, [node("d", layer("Dense", units=4, lora_rank=2, lora_alpha=3), "x")], ["d"]
    ),
    "seeds and parts": graph(
        {"x": [4]},
        [
            node("drop", layer("Dropout", rate=0.3, seed=3), "x"),
            node("d", layer("Dense", units=4, activation="swish", kernel_constraint="MaxNorm",
                            kernel_initializer={"type": "HeNormal", "config": {"seed": 3}},
                            kernel_regularizer={"type": "L2", "config": {"l2": 0.1}}), "drop"),
        ],
        ["d"],
    ),
    "names that Keras's JSON uses itself": graph(
        {"config": [4], "class_name": [4]},
        [node("module", DENSE, "config"), node("layers", DENSE, "class_name")],
        [{"name": "class_name", "from": "module"}, {"name": "config", "from": "layers"}],
    ),
    "functions": {
        "inputs": [{"name": "x", "shape": [6, 4]}],
        "nodes": [
            {"name": "level", "op": "mean", "inputs": "x", "config": {"axis": 1, "keepdims": True}},
            {"name": "centred", "op": "subtract", "inputs": ["x", "level"]},
            {"name": "best", "op": "top_k", "config": {"k": 2}, "inputs": "centred"},
            {"name": "moved", "op": "transpose", "config": {"axes": [0, 2, 1]}, "inputs": "best:0"},
        ],
        "outputs": ["moved", {"name": "places", "from": "best:1"}],
    },
    "texts": {
        "inputs": [{"name": "s", "shape": [1], "dtype": "string"}],
        "nodes": [
            node("l", layer("StringLookup", vocabulary=["a", "b"]), "s"),
            node("v", layer("TextVectorization", vocabulary=["a"], output_sequence_length=4), "s"),
        ],
        "outputs": ["l", "v"],
    },
    "depth": nest(10),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("case", SOUND)
def test_plain_keras_loads_the_same_model(case: str, tmp_path: Path) -> None:
    assert_reloads(SOUND[case], tmp_path, SOURCES if MODEL in str(SOUND[case]) else None)


def test_outputs_keep_their_order() -> None:
    result = write_graph(SOUND["an input is an output, and a tensor two"])
    assert result.keras_json is not None
    config = result.keras_json["config"]
    assert isinstance(config, dict)
    assert [*config["output_layers"]] == ["z", "a", "c", "again"]  # type: ignore[misc]


def read_documented() -> dict[str, Any]:
    """Return every graph of the examples and of the reference page."""
    paths = (ROOT / "openapi" / "examples").glob("*.json")
    bodies = {path.stem: json.loads(path.read_text()) for path in paths}
    examples = {
        name: body["graph"]["definition"] for name, body in bodies.items() if "graph" in body
    }
    page = (ROOT / "docs" / "reference" / "graph-language.md").read_text()
    blocks = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    return examples | {f"page_{i}": json.loads(block) for i, block in enumerate(blocks)}


DOCUMENTED = read_documented()
SHARED_ACROSS = {name for name, text in DOCUMENTED.items() if '"look"' in json.dumps(text)}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(DOCUMENTED.keys() - SHARED_ACROSS))
def test_plain_keras_loads_the_documented_graphs(name: str, tmp_path: Path) -> None:
    models = re.findall(r'"(model_\w{26})"', json.dumps(DOCUMENTED[name]))
    trained = blueprint(DOCUMENTED["dense"])
    assert_reloads(DOCUMENTED[name], tmp_path, dict.fromkeys(models, trained))


def test_documented_graph_that_keras_cannot_express_is_refused() -> None:
    assert len(SHARED_ACROSS) == 1
    found = find_faults(DOCUMENTED[SHARED_ACROSS.pop()])
    assert found.keys() == {"/definition/nodes/0", "/definition/nodes/2"}


USES = graph({"z": [4]}, [node("inside", "s", "z")], ["inside"])
TORN = {
    "inside and outside": (
        [node("a", "s", "x"), node("n", nested(USES), "a"), node("b", DENSE, "n")],
        ["nodes/0", "nodes/1/layer/graph/nodes/0"],
    ),
    "two nested graphs": (
        [node("n", nested(USES), "x"), node("m", nested(USES), "n"), node("b", DENSE, "m")],
        ["nodes/0/layer/graph/nodes/0", "nodes/1/layer/graph/nodes/0"],
    ),
    "a wrapper and a call": (
        [
            node("b", "s", "x"),
            node("p", layer("RepeatVector", n=2), "b"),
            node("e", layer("TimeDistributed", layer="s"), "p"),
        ],
        ["nodes/0", "nodes/2"],
    ),
    "a wrapper of an entry": (
        [node("b", "s", "x"), node("p", layer("RepeatVector", n=2), "b"), node("e", "each", "p")],
        ["nodes/0", "layers/each"],
    ),
    "a wrapper deep inside another": (
        [
            node("b", "s", "x"),
            node("p", layer("Reshape", target_shape=[1, 1, 4]), "b"),
            node("e", layer("TimeDistributed", layer=layer("TimeDistributed", layer="s")), "p"),
        ],
        ["nodes/0", "nodes/2"],
    ),
    "a call with a constant `training`": (
        [node("b", "s", "x"), node("c", "s", "b", training=False), node("d", DENSE, "c")],
        ["nodes/0", "nodes/1"],
    ),
}


@pytest.mark.parametrize("case", TORN)
def test_sharing_that_keras_would_lose_is_refused_at_every_node(case: str) -> None:
    nodes, places = TORN[case]
    entries: dict[str, Any] = {"s": DENSE}
    if case == "a wrapper of an entry":
        entries["each"] = layer("TimeDistributed", layer="s")
    found = find_faults(graph({"x": [4]}, nodes, [nodes[-1]["name"]], **entries))
    assert found.keys() == {f"/definition/{place}" for place in places}
    assert all("The layer 's' is shared across the border" in detail for detail in found.values())


def test_shared_cell_and_shared_model_are_refused() -> None:
    definition = graph(
        {"x": [5, 4]},
        [
            node("one", layer("RNN", cell="cell", return_sequences=True), "x"),
            node("two", layer("RNN", cell=["cell", "cell"]), "one"),
            node("each", layer("TimeDistributed", layer="model"), "x"),
            node("last", layer("GlobalMaxPooling1D"), "x"),
            node("alone", "model", "last"),
        ],
        ["two", "each", "alone"],
        cell=layer("GRUCell", units=4),
        model={"type": "Model", "model": OTHER},
    )
    sources = {OTHER: blueprint(graph({"x": [4]}, [node("d", DENSE, "x")], ["d"]))}
    assert [*find_faults(definition, sources)] == [f"/definition/nodes/{i}" for i in (0, 1, 2, 4)]


def test_sharing_inside_a_model_is_refused_where_the_model_is_used() -> None:
    nodes, _ = TORN["inside and outside"]
    inner = blueprint(graph({"x": [4]}, nodes, ["b"], s=DENSE))
    definition = graph(
        {"x": [4]}, [node("m", COPY, "x"), node("n", "again", "m")], ["n"], again=COPY
    )
    found = find_faults(definition, {MODEL: inner})
    assert [*found] == ["/definition/layers/again", "/definition/nodes/0/layer"]
    assert all(
        detail.startswith("Inside this model: The layer 's' is sh") for detail in found.values()
    )


def test_equal_names_in_two_nested_graphs_are_separate_layers() -> None:
    """Two nested graphs each define a shared layer with the same name."""
    inner = graph(
        {"x": [4]}, [node("a", "s", "x"), node("b", "s", "a")], ["b"], s=layer("Dense", units=4)
    )
    definition = graph(
        {"x": [4]}, [node("one", nested(inner), "x"), node("two", nested(inner), "one")], ["two"]
    )
    assert find_faults(definition) == {}


def test_constant_training_that_keras_would_replace_is_refused() -> None:
    definition = graph(
        {"x": [4]}, [node("d", layer("Dropout", rate=0.5), "x", training=True)], ["d"]
    )
    assert [*find_faults(definition)] == ["/definition/nodes/0/call/training"]


def test_arguments_that_keras_forgets_are_refused() -> None:
    kept = layer("Dense", units=2, autocast=True)
    lost = layer("Dense", units=2, autocast=False, dtype="mixed_float16")
    steps = graph({"x": [3, 4]}, [node("t", layer("TimeDistributed", layer=lost), "x")], ["t"])
    definition = graph(
        {"x": [3, 4]}, [node("k", kept, "x"), node("n", nested(steps), "x")], ["k", "n"]
    )
    place = "/definition/nodes/1/layer/graph/nodes/0/layer/config/layer/config/autocast"
    assert [*find_faults(definition)] == [place]

    hot = layer("CategoryEncoding", num_tokens=4, sparse=True)
    definition = graph({"x": [3]}, [node("h", hot, "x")], ["h"])
    assert [*find_faults(definition)] == ["/definition/nodes/0/layer/config/sparse"]


HARMLESS = {
    "LSTM": {"use_cudnn"}, "GRU": {"use_cudnn"}, "HashedCrossing": {"trainable"},
    "MultiHeadAttention": {"flash_attention"}, "GroupQueryAttention": {"flash_attention"},
    "SimpleRNN": {"seed"}, "RandomGrayscale": {"seed"},
}  # fmt: skip
"""Keras forgets these arguments, but the predictions do not depend on them."""
WRITTEN_IF_GIVEN = {"activity_regularizer", "bounding_box_format", "lora_rank", "lora_alpha"}


@pytest.mark.parametrize("kind", CASES)
def test_every_argument_that_keras_forgets_is_known(kind: str) -> None:
    """Each forgotten argument is a fault; a new version of Keras may forget others."""
    case, entry = CASES[kind], CATALOGUE[kind]
    made = case.direct() if case.direct else make_layer(entry, case.config)
    missing = entry.arguments.keys() - made.get_config().keys() - HARMLESS.get(kind, set())
    known = {name for name in missing if is_omitted(kind, name, None)}
    assert missing - WRITTEN_IF_GIVEN == known

    if "dtype" in entry.arguments and not case.direct and kind != "Hashing":
        mixed = make_layer(entry, {**case.config, "dtype": "mixed_float16"})
        again = entry.cls.from_config(mixed.get_config())
        lost = again.dtype_policy.name != mixed.dtype_policy.name
        assert lost == is_omitted(kind, "dtype", "mixed_float16")


@pytest.mark.slow
@pytest.mark.parametrize("order", ["forwards", "backwards"])
def test_chain_of_two_thousand_nodes_is_written_in_seconds(order: str) -> None:
    length = 2000
    nodes = [node(f"d{i}", DENSE, f"d{i - 1}" if i else "x") for i in range(length)]
    given = blueprint(
        graph({"x": [4]}, nodes if order == "forwards" else nodes[::-1], [nodes[-1]["name"]])
    )
    began = time.process_time()
    result = write(given)
    assert time.process_time() - began < 20
    assert result.keras_json is not None
    assert json.dumps(result.keras_json).count('"class_name": "Dense"') == length


def test_writing_allocates_no_weights_and_keeps_no_state() -> None:
    wide = graph({"x": [10**6]}, [node("d", layer("Dense", units=10**6), "x")], ["d"])
    assert write_graph(wide).keras_json is not None  # 4 TB of weights
    assert write_graph(wide) == write_graph(wide)
    assert build(blueprint(wide | INNER), 1).model.count_params() == 46
    assert keras.backend.is_keras_tensor(keras.Input((1,)))


def test_function_that_keras_cannot_write_is_refused() -> None:
    config = {"x_min": [0, 0, 0], "x_max": 1}
    clipped = {"name": "y", "op": "clip", "inputs": {"x": "x"}, "config": config}
    assert list(find_faults(graph({"x": [3]}, [clipped], ["y"]))) == ["/definition"]


def test_range_that_keras_writes_but_cannot_read_is_refused() -> None:
    sheared = node("y", layer("RandomShear", x_factor=0.5), "x")
    found = find_faults(graph({"x": [8, 8, 3]}, [sheared], ["y"]))
    assert list(found) == ["/definition/nodes/0/layer/config/x_factor"]
