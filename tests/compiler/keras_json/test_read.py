"""The JSON of Keras 3 is read to a graph of the same model, or has faults."""

import json
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from compiler.entrypoints import read_keras_json
from domain.json.source_map import SourceMap
from tests.compiler.keras_json.restored import (
    assert_comes_back,
    find_faults,
    read_definition,
    read_document,
    read_graph_json,
    restore,
)

Dense = layers.Dense


def states_and_functions() -> Any:
    x = keras.Input((6, 3), name="x")
    once = Dense(4, "relu", kernel_regularizer="l2", name="once")
    twice = once(once(x)[:, ::2, :3])
    joined = ops.concatenate([twice, 1.0 - twice], axis=1) + np.float32(0.5)
    seen, *states = layers.LSTM(4, return_state=True)(joined)
    last = layers.LSTM(4)(joined, initial_state=states)
    return keras.Model(x, {"later": last, "earlier": seen, "sum": ops.sum(joined, axis=(1, 2))})


def models_in_models() -> Any:
    twin = keras.Sequential([Dense(3, name="dense"), layers.BatchNormalization()], name="twin")
    deep = keras.Input((4,), name="deep")
    pair = keras.Model(deep, [Dense(2, name="dense")(deep), deep], name="pair")
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    left, same = pair(twin_in := Dense(4)(a))
    met = layers.Concatenate()([twin(twin_in), twin(same), left, twin(b)])
    each = layers.TimeDistributed(keras.Sequential([keras.Input((2,)), Dense(3)]))
    steps = each(layers.Reshape((-1, 2))(layers.Dense(6)(met)))
    return keras.Model([a, b], [met, layers.Flatten()(steps)])


def inputs_by_name() -> Any:
    inner = {"first": keras.Input((3,), name="first"), "second": keras.Input((2,), name="second")}
    both = keras.Model(inner, {"z": Dense(2)(inner["first"]), "a": Dense(3)(inner["second"])})
    one, two = keras.Input((3,), name="one"), keras.Input((2,), name="two")
    given = both({"second": two, "first": one})
    return keras.Model({"one": one, "two": two}, [given["z"], given["a"]])


def masks() -> Any:
    words = keras.Input((7,), name="words")
    seen = layers.Embedding(5, 4, mask_zero=True)(words)
    both = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(seen)
    attended = layers.Attention()([both, Dense(6)(keras.layers.Reshape((7, 6))(Dense(42)(words)))])
    return keras.Model(words, layers.GlobalAveragePooling1D()(attended))


def wrappers_and_cells() -> Any:
    x = keras.Input((5, 4))
    back = layers.GRU(2, go_backwards=True, return_sequences=True, reset_after=False)
    both = layers.Bidirectional(layers.LSTM(2, return_sequences=True), backward_layer=back)(x)
    cells = layers.RNN([layers.GRUCell(3), layers.LSTMCell(2)], return_sequences=True)(both)
    seen, scores = layers.MultiHeadAttention(2, 3)(cells, both, return_attention_scores=True)
    piped = layers.Pipeline([Dense(3), layers.Dropout(0.2, seed=3)])(seen)
    spectral = layers.SpectralNormalization(Dense(2))(piped)
    return keras.Model(x, [spectral, scores])


def dtypes_and_frozen() -> Any:
    x = keras.Input((4,), dtype="float16")
    mixed = Dense(3, dtype="mixed_float16", kernel_initializer=keras.initializers.HeNormal(3))(x)
    base = keras.Sequential([keras.Input((3,)), Dense(3), layers.BatchNormalization()])
    base.trainable = False
    return keras.Model(x, Dense(1, bias_constraint="non_neg")(base(mixed, training=False)))


@pytest.fixture(autouse=True)
def _fresh_names() -> None:
    keras.utils.clear_session(free_memory=False)


MODELS: list[Callable[[], Any]] = [
    states_and_functions,
    models_in_models,
    inputs_by_name,
    masks,
    wrappers_and_cells,
    dtypes_and_frozen,
]


@pytest.mark.slow
@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_model_is_read_back(make: Callable[[], Any]) -> None:
    model = make()
    random = np.random.default_rng(0)
    data = [random.integers(0, 5, (2, *x.shape[1:])).astype(x.dtype) for x in model.inputs]
    assert_comes_back(model, data)


def test_configs_contain_only_values_other_than_defaults() -> None:
    assert read_graph_json(states_and_functions().to_json()) == {
        "inputs": [{"name": "x", "shape": [6, 3]}],
        "layers": {
            "once": {
                "type": "Dense",
                "config": {"units": 4, "activation": "relu", "kernel_regularizer": "L2"},
            }
        },
        "nodes": [
            {"name": "once", "layer": "once", "inputs": "x"},
            {"name": "once__2", "layer": "once", "inputs": "get_item"},
            {"name": "get_item", "op": "get_item", "inputs": "once",
             "config": {"key": [":", "::2", ":3"]}},
            {"name": "subtract", "op": "subtract", "inputs": {"x2": "once__2"},
             "config": {"x1": 1.0}},
            {"name": "concatenate", "op": "concatenate", "inputs": ["once__2", "subtract"],
             "config": {"axis": 1}},
            {"name": "add", "op": "add", "inputs": "concatenate", "config": {"x2": 0.5}},
            {"name": "lstm", "inputs": "add",
             "layer": {"type": "LSTM", "config": {"units": 4, "return_state": True}}},
            {"name": "lstm_1", "layer": {"type": "LSTM", "config": {"units": 4}},
             "inputs": {"sequences": "add", "initial_state": ["lstm:1", "lstm:2"]}},
            {"name": "sum", "op": "sum", "inputs": "add", "config": {"axis": [1, 2]}},
        ],
        "outputs": [
            {"name": "later", "from": "lstm_1"}, {"name": "earlier", "from": "lstm:0"}, "sum",
        ],
    }  # fmt: skip


def test_backward_layer_that_keras_makes_is_omitted() -> None:
    made = layers.Bidirectional(layers.LSTM(2, seed=3, dropout=0.5), name="both")
    model = keras.Sequential([keras.Input((3, 4)), made])
    (node,) = read_graph_json(model.to_json())["nodes"]
    assert node["layer"]["config"].keys() == {"layer"}
    turned = layers.Bidirectional(layers.LSTM(2), backward_layer=layers.LSTM(3, go_backwards=True),
                                  merge_mode=None, name="both")  # fmt: skip
    (node,) = read_graph_json(keras.Sequential([keras.Input((3, 4)), turned]).to_json())["nodes"]
    assert node["layer"]["config"]["backward_layer"]["config"]["units"] == 3


def test_sequential_model_without_input_shape_is_refused() -> None:
    model = keras.Sequential([Dense(3, name="one"), Dense(2, name="two")])
    assert find_faults(model.to_json()) == {
        "/config": "This sequential model does not tell the shape of its input; build it before "
        "`to_json()`, or begin it with `keras.Input(...)`."
    }
    model.build((None, 4))
    assert read_graph_json(model.to_json())["inputs"][0]["shape"] == [4]
    document = json.loads(model.to_json())
    del document["config"]["layers"][0]
    assert read_graph_json(document)["inputs"] == [{"name": "one_input", "shape": [4]}]


def test_names_are_mapped_one_to_one_and_reported() -> None:
    x = keras.Input((3,), name="in put")
    long = "n" * 200
    h = x
    for name in ("block 1", "block:1", "block_1", "1conv", long):
        h = Dense(3, name=name)(h)
    shared = Dense(3, name="größe")
    text = keras.Model(x, {"the/out": Dense(3, name="gr_e__2")(shared(shared(h)))}).to_json()
    found = read_document(text)
    assert found.renamed == {
        "in put": "in_put",
        "block 1": "block_1_1",
        "block:1": "block_1_2",
        "1conv": "layer_1conv",
        long: "n" * 64,
        "größe": "gr_e",
        "the/out": "the_out",
    }
    assert found.definition is not None
    names = [node.name for node in found.definition.nodes]
    assert len(set(names)) == len(names)
    assert names[names.index("gr_e") + 1] == "gr_e__3"
    assert [*found.definition.layers] == ["gr_e"]
    assert found == read_document(text)


def test_outputs_of_one_layer_get_different_names() -> None:
    x = keras.Input((2, 3), name="x")
    seen, state, _ = layers.LSTM(3, return_state=True, name="lstm")(x)
    dense = Dense(1, name="dense")
    first = dense(seen)
    model = keras.Model(x, [seen, state, first, dense(state), first, x])
    named = read_definition(model.to_json()).named_outputs()
    assert named == [
        ("lstm", "lstm:0"), ("lstm_1", "lstm:1"), ("dense", "dense"), ("dense__2", "dense__2"),
        ("dense_1", "dense"), ("x", "x"),
    ]  # fmt: skip


def test_outputs_by_name_keep_the_order_of_the_document() -> None:
    x = keras.Input((2,), name="x")
    model = keras.Model(x, {"b": Dense(1)(x), "a": Dense(2)(x)}, name="inner")
    document = json.loads(model.to_json())
    ours = document["config"]["output_layers"]
    for order in (["a", "b"], ["b", "a"]):
        document["config"]["output_layers"] = {name: ours[name] for name in order}
        assert read_definition(document).output_names() == order
        assert [*restore(document).outputs] == order


def test_inner_layer_never_gets_the_name_of_an_outer_shared_layer() -> None:
    deep = keras.Input((3,), name="deep")
    inner = Dense(3, name="same")
    nested = keras.Model(deep, inner(inner(deep)), name="nested")
    x = keras.Input((3,), name="x")
    outer = Dense(3, name="same")
    model = keras.Model(x, nested(outer(outer(x))))
    assert_comes_back(model, [np.ones((2, 3), "float32")])
    found = read_definition(model.to_json())
    assert [*found.layers] == ["same"]
    assert [*found.nodes[-1].layer.graph.layers] == ["same_1"]  # type: ignore[union-attr]


def test_every_part_has_its_place_in_the_keras_json() -> None:
    found = read_document(models_in_models().to_json())
    document = json.loads(models_in_models().to_json())
    assert found.definition is not None
    source = SourceMap(places=found.places)
    nodes = [node.name for node in found.definition.nodes]
    pair = nodes.index("pair")
    place = source.place_of(f"/nodes/{pair}/layer/graph/nodes/0/layer/config/units")
    value: Any = document
    for token in place.split("/")[1:]:
        value = value[int(token)] if isinstance(value, list) else value[token]
    assert value == 2
    assert source.place_of("/layers/twin/graph/inputs/0/shape/0").endswith(
        "/config/layers/0/config/batch_shape/1"
    )
    assert source.place_of("/outputs/1") == "/config/output_layers/1"


def change(path: str, value: Any, make: Callable[[], Any] = states_and_functions) -> Any:
    document = json.loads(make().to_json())
    holder = document
    *steps, last = path.split("/")
    for step in steps:
        holder = holder[int(step)] if isinstance(holder, list) else holder[step]
    holder[int(last) if isinstance(holder, list) else last] = value
    return document


DENSE = "config/layers/1"
TENSOR = f"{DENSE}/inbound_nodes/0/args/0"
WRONG = {
    "a name of no layer": (f"{TENSOR}/config/keras_history", ["nowhere", 0, 0], "no such tensor"),
    "a call that is not there": (f"{TENSOR}/config/keras_history", ["once", 7, 0], "no such tens"),
    "a layer that runs code": (f"{DENSE}/class_name", "Lambda", "runs code of the client's"),
    "an unknown layer": (f"{DENSE}/class_name", "Dens", "Did you mean 'Dense'?"),
    "an operation that runs code": ("config/layers/3/class_name", "Map", "takes a function"),
    "an unknown operation": ("config/layers/3/class_name", "Ad", "no operation 'ad'"),
    "a module of the client's": (f"{DENSE}/module", "my.layers", "is a custom class"),
    "a registered class": (f"{DENSE}/registered_name", "mine>Dense", "is a custom class"),
    "a quantized dtype": (f"{DENSE}/config/dtype",
                          {"class_name": "QuantizedDTypePolicy", "config": {"mode": "int8"}},
                          "A dtype or a policy named after one"),
    "an unknown argument": (f"{DENSE}/config/unitz", 3, "Did you mean 'units'?"),
    "no config": (f"{DENSE}/config", [], "must be an object"),
    "no list": ("config/layers", 3, "must be a list"),
    "a sparse input": ("config/layers/0/config/sparse", True, "cannot be sparse"),
    "an input of any rank": ("config/layers/0/config/batch_shape", None, "must be a list"),
    "a layer that is never called": (f"{DENSE}/inbound_nodes", [], "never called"),
    "the same name twice": (f"{DENSE}/name", "x", "has this name already"),
    "a subclassed model": ("class_name", "MyModel", "a subclassed model has no such JSON"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("case", WRONG)
def test_parts_that_no_graph_can_express_are_refused_at_their_places(case: str) -> None:
    path, value, words = WRONG[case]
    found = find_faults(change(path, value))
    (place,) = [place for place in found if words in found[place]]
    assert f"/{path}".startswith(place)
    assert len(found) == 1 or case == "the same name twice"


def test_all_faults_are_found_at_once_including_configs() -> None:
    document = change(f"{DENSE}/config/units", -3)
    document["config"]["layers"][4]["class_name"] = "Nothing"
    document["config"]["layers"][6]["config"]["dropout"] = "much"
    assert find_faults(document).keys() >= {
        f"/{DENSE}/config/units",
        "/config/layers/4/class_name",
        "/config/layers/6/config/dropout",
    }


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[]", '"model"', "{}", '{"class_name": "Functional"}', "[" * 100_000,
     '{"class_name": "Sequential", "config": {"layers": []}}', "NaN", "1" * 5000],
)  # fmt: skip
def test_document_that_is_no_model_has_a_fault(text: str) -> None:
    (fault,) = read_document(text).faults
    assert fault.pointer in ("", "/config", "/config/layers")


def test_numbers_and_texts_that_json_cannot_express_are_refused() -> None:
    document = json.dumps(change(f"{DENSE}/config/units", "UNITS"))
    assert [*find_faults(document.replace('"UNITS"', "1e400"))] == [f"/{DENSE}/config/units"]
    assert [*find_faults(document.replace('"UNITS"', "NaN"))] == [f"/{DENSE}/config/units"]
    assert [*find_faults(document.replace('"UNITS"', r'"\ud800"'))] == [f"/{DENSE}/config"]


def test_models_nest_only_up_to_a_limit() -> None:
    def nested(depth: int) -> Any:
        spec: Any = {"class_name": "Dense", "config": {"name": "d", "units": 1}}
        for _ in range(depth):
            inner = [spec]
            spec = {
                "class_name": "Sequential",
                "config": {"name": "s", "layers": inner, "build_input_shape": [None, 1]},
            }
        return spec

    assert find_faults(nested(32)) == {}
    (words,) = find_faults(nested(33)).values()
    assert words == "Graphs nest at most 32 deep (MAX_GRAPH_DEPTH)."
    (words,) = find_faults(nested(300)).values()
    assert words.startswith("This nests more than")


@pytest.mark.slow
def test_large_document_is_read() -> None:
    count = 3000
    one = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 1}}
    listed: list[Any] = [
        {"class_name": "InputLayer", "config": {"batch_shape": [None, 1]}, "name": "l0"}
    ]
    for i in range(count):
        tensor = {"class_name": "__keras_tensor__", "config": {"keras_history": [f"l{i}", 0, 0]}}
        node = {"args": [tensor], "kwargs": {}}
        listed.append({**one, "name": f"l{i + 1}", "inbound_nodes": [node]})
    config = {"layers": listed, "input_layers": ["l0", 0, 0], "output_layers": [f"l{count}", 0, 0]}
    found = json.loads(read_keras_json(json.dumps({"class_name": "Functional", "config": config})))
    assert len(found["definition"]["nodes"]) == count


def test_arrays_become_constants() -> None:
    x = keras.Input((2,), name="x")
    model = keras.Model(x, x * np.array([0.5, 2.0], "float32"))
    assert_comes_back(model, [np.ones((3, 2), "float32")])


@pytest.mark.slow
def test_layers_keep_their_names_so_that_weights_can_be_loaded() -> None:
    model = wrappers_and_cells()
    ours = restore(model.to_json()).model
    assert [layer.name for layer in ours.layers[1:]] == [layer.name for layer in model.layers[1:]]
