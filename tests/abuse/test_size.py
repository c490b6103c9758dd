"""Bodies that need more memory or time than any machine has."""

from typing import Any

import pytest

from tests.abuse.attacks import chain, layer, nested, op
from tests.abuse.watch import Watch

# Each answer has a time limit, which other tests beside it would use up.
pytestmark = pytest.mark.slow

IMAGE = [256, 256, 3]
BILLION = 10**9
LSTM = {"type": "LSTM", "config": {"units": 1, "unroll": True}}
X: dict[str, Any] = {"inputs": [{"name": "x", "shape": [4]}], "nodes": [], "outputs": ["x"]}


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        (layer("Dense", {"units": 10**12}), "a positive whole number"),
        (layer("Dense", {"units": BILLION}), "MAX_PARAMETERS"),
        (layer("Dense", {"units": -1}), "a positive whole number"),
        (layer("UpSampling2D", {"size": 10**6}, IMAGE), "MAX_ACTIVATION_BYTES"),
        (layer("Conv2D", {"filters": 10**6, "kernel_size": 3}, [4096, 4096, 512]), "MAX_PARAM"),
        (layer("Embedding", {"input_dim": 2**31, "output_dim": 2**31}), "positive whole number"),
        (layer("Embedding", {"input_dim": 2**31 - 1, "output_dim": 2**31 - 1}), "MAX_PARAMETERS"),
        (layer("ZeroPadding2D", {"padding": BILLION}, IMAGE), "MAX_ACTIVATION_BYTES"),
        (layer("RepeatVector", {"n": BILLION}), "MAX_ACTIVATION_BYTES"),
        (layer("Resizing", {"height": BILLION, "width": BILLION}, IMAGE), "MAX_ACTIVATION_BYTES"),
        (layer("Hashing", {"num_bins": 10**12}, dtype="string"), "positive whole number"),
        (layer("CategoryEncoding", {"num_tokens": 2**31 - 1}, dtype="int32"), "MAX_ACTIVATION"),
        (layer("Dropout", {"rate": 0.5, "seed": 10**30}), "a whole number"),
        (layer("Reshape", {"target_shape": [1] * 299 + [4]}), "'target_shape'"),
        (layer("SpectralNormalization", {"layer": LSTM, "power_iterations": BILLION}), "power_it"),
        (layer("RandAugment", {"num_ops": BILLION}, IMAGE), "num_ops"),
        (layer("LSTM", {"units": 1, "unroll": True}, [10**6, 4]), "MAX_CALLS"),
        (layer("Bidirectional", {"layer": LSTM}, [10**6, 4]), "MAX_CALLS"),
        (layer("TimeDistributed", {"layer": LSTM}, [3, 10**6, 4]), "MAX_CALLS"),
        (layer("LSTM", {"units": 1, "unroll": True}, [None, 4]), "known number of steps"),
        (op("tile", {"repeats": [BILLION]}), "'repeats'"),
        (op("repeat", {"repeats": BILLION, "axis": 1}), "'repeats'"),
        (op("pad", {"pad_width": [[0, 0], [0, BILLION]]}), "'pad_width'"),
        (op("one_hot", {"num_classes": BILLION}, dtype="int32"), "MAX_ACTIVATION"),
        (op("linspace", {"stop": 1, "num": BILLION}), "MAX_ACTIVATION"),
        (op("zeros", {"shape": [BILLION, BILLION]}), "cannot be used"),
        (op("reshape", {"newshape": [1] * 300}), "newshape"),
        (op("einsum", {"subscripts": "abcdefghijklmnopqrstuvwxyz" * 2 + "abcdefgh->a"}), ""),
        (op("image.resize", {"size": [BILLION, BILLION]}, IMAGE), "MAX_ACTIVATION_BYTES"),
        (layer("StringLookup", {"vocabulary": ["a"] * 800_000}, dtype="string"), "MAX_VALUES"),
        ({**X, "nodes": chain(20_000)}, "MAX_NODES"),
        ({**X, "outputs": [{"name": f"o{i}", "from": "x"} for i in range(6_000)]}, "MAX_NODES"),
        (nested(33), "MAX_GRAPH_DEPTH"),
        (nested(32, calls=2), "MAX_CALLS"),
    ],
)  # fmt: skip
def test_a_graph_over_a_limit_is_rejected(watch: Watch, definition: Any, text: str) -> None:
    faults = watch.refused({"definition": definition})
    assert all(pointer.startswith("/definition/") for pointer in faults)
    assert text in " ".join(faults.values())


def test_two_to_the_thirty_second_calls_are_counted_without_being_run(watch: Watch) -> None:
    faults = watch.refused({"definition": nested(32, calls=2)})
    assert "3,221,225,471" in faults["/definition/nodes/0"]


def test_a_node_with_hundreds_of_thousands_of_references(watch: Watch) -> None:
    node = {"name": "n", "layer": {"type": "Add"}, "inputs": ["x"] * 800_000}
    faults = watch.refused({"definition": {**X, "nodes": [node], "outputs": ["n"]}})
    assert "MAX_REFERENCES" in faults["/definition/nodes/0/inputs"]


def test_twenty_thousand_cells(watch: Watch) -> None:
    cells = [{"type": "LSTMCell", "config": {"units": 1}}] * 20_000
    definition = layer("RNN", {"cell": {"type": "StackedRNNCells", "config": {"cells": cells}}})
    faults = watch.refused({"definition": definition})
    assert "MAX_LAYERS" in faults["/definition/nodes/0/layer/config/cell/config/cells/9998"]


def test_shared_layers_in_a_row_of_three_thousand(watch: Watch) -> None:
    wrap = {
        f"l{i}": {"type": "TimeDistributed", "config": {"layer": f"l{i + 1}"}} for i in range(3000)
    }
    layers = {**wrap, "l3000": {"type": "Dense", "config": {"units": 1}}}
    node = {"name": "n", "layer": "l0", "inputs": "x"}
    body = {"definition": {**X, "layers": layers, "nodes": [node], "outputs": ["n"]}}
    assert "MAX_GRAPH_DEPTH" in next(iter(watch.refused(body).values()))


def test_thousands_of_faults_have_a_short_answer(watch: Watch) -> None:
    config = {f"unit{i}": 1 for i in range(50_000)}
    assert len(watch.refused({"definition": layer("Dense", config)})) == 100
    nodes = [{**node, "inputs": f"{node['name']}_lost"} for node in chain(2_000)]
    assert len(watch.refused({"definition": {**X, "nodes": nodes}})) == 100


@pytest.mark.parametrize(
    "definition", [layer("D" * 10**6, {}), op("d" * 10**6, {}), {**X, "outputs": ["o" * 10**6]}]
)
def test_a_word_of_a_million_letters_is_not_repeated(watch: Watch, definition: Any) -> None:
    assert watch.refused({"definition": definition})
