"""Shared layers stay shared at every place, and every weight has one key."""

from typing import Any

import numpy as np
import pytest

from compiler.model.weights import assign, copy_arrays
from tests.compiler.graphs import MODEL, blueprint, build_graph, graph, layer, nested, node

RNG = np.random.default_rng(0)
INNER = graph(
    {"x": [4]},
    [node("first", layer("Dense", units=4), "x"), node("second", "shared", "first")],
    ["second"],
)
SHARED = layer("Dense", units=4)
ALONE = graph({"x": [4]}, INNER["nodes"], ["second"], shared=SHARED)


def list_keys(definition: Any, **sources: Any) -> set[str]:
    return set(build_graph(definition, sources).variables)


def predict(model: Any, *arrays: Any) -> Any:
    return model.predict(list(arrays), verbose=0)


def assert_roundtrip(definition: Any, *arrays: Any, sources: Any = None) -> None:
    """Assert that a model with another seed and the first model's arrays predicts the same."""
    one, other = build_graph(definition, sources, seed=1), build_graph(definition, sources, seed=2)
    before = predict(other.model, *arrays)
    assign(other, copy_arrays(one))
    wanted, got = predict(one.model, *arrays), predict(other.model, *arrays)
    assert any(not np.array_equal(before[name], wanted[name]) for name in wanted)
    assert all(np.array_equal(got[name], wanted[name]) for name in wanted)


def test_layer_inside_a_nested_graph_and_outside_is_shared() -> None:
    definition = graph(
        {"a": [4]},
        [node("inside", nested(INNER), "a"), node("outside", "shared", "a")],
        ["inside", "outside"],
        shared=SHARED,
    )
    model = build_graph(definition)
    assert set(model.variables) == {
        "shared/kernel", "shared/bias", "inside/first/kernel", "inside/first/bias",
    }  # fmt: skip
    assert len(model.model.weights) == 4
    x = RNG.random((3, 4)).astype("float32")
    weights = copy_arrays(model)
    first = x @ weights["inside/first/kernel"]
    got = predict(model.model, x)
    assert np.allclose(got["inside"], first @ weights["shared/kernel"], atol=1e-6)
    assert np.allclose(got["outside"], x @ weights["shared/kernel"], atol=1e-6)
    assert_roundtrip(definition, x)


def test_graph_in_time_distributed_and_called_directly_is_shared() -> None:
    steps = layer("TimeDistributed", layer="encoder")
    definition = graph(
        {"many": [5, 4], "one": [4]},
        [node("each", steps, "many"), node("alone", "encoder", "one")],
        ["each", "alone"],
        encoder=nested(ALONE),
    )
    model = build_graph(definition)
    assert set(model.variables) == {
        "encoder/first/kernel", "encoder/first/bias",
        "encoder/shared/kernel", "encoder/shared/bias",
    }  # fmt: skip
    many = RNG.random((2, 5, 4)).astype("float32")
    got = predict(model.model, many, many[:, 3])
    assert np.allclose(got["each"][:, 3], got["alone"], atol=1e-6)
    assert_roundtrip(definition, many, many[:, 0])


def test_nested_graph_called_twice_is_shared() -> None:
    definition = graph(
        {"a": [4], "b": [4]},
        [node("one", "twin", "a"), node("two", "twin", "b")],
        ["one", "two"],
        twin=nested(ALONE),
    )
    x = RNG.random((2, 4)).astype("float32")
    got = predict(build_graph(definition).model, x, x)
    assert np.array_equal(got["one"], got["two"])
    assert len(list_keys(definition)) == 4
    assert_roundtrip(definition, x, x)


def test_equal_layer_objects_share_nothing() -> None:
    definition = graph(
        {"a": [4]},
        [node("one", nested(ALONE), "a"), node("two", nested(ALONE), "a")],
        ["one", "two"],
    )
    model = build_graph(definition)
    assert len(model.variables) == 8  # Keras's own paths have only four values
    assert len({variable.path for variable in model.variables.values()}) == 4
    one, two = model.variables["one/first/kernel"], model.variables["two/first/kernel"]
    assert not np.array_equal(one, two)
    assert_roundtrip(definition, RNG.random((2, 4)).astype("float32"))


@pytest.mark.slow
def test_cells_and_backward_layers_are_shared() -> None:
    forward = layer("LSTM", units=3, return_sequences=True)
    backward = layer("LSTM", units=3, return_sequences=True, go_backwards=True)
    definition = graph(
        {"x": [5, 4]},
        [
            node("both", layer("Bidirectional", layer="fore", backward_layer="back"), "x"),
            node("fore_alone", "fore", "x"),
            node("back_alone", "back", "x"),
            node("rnn", layer("RNN", cell="cell", return_sequences=True), "x"),
            node("stack", layer("RNN", cell=layer("StackedRNNCells", cells=["cell"])), "x"),
            node("listed", layer("RNN", cell=["cell", layer("GRUCell", units=2)]), "x"),
        ],
        ["both", "fore_alone", "back_alone", "rnn", "stack", "listed"],
        fore=forward,
        back=backward,
        cell=layer("GRUCell", units=3),
    )
    layers = {key.rsplit("/", 1)[0] for key in list_keys(definition)}
    assert layers == {"fore/cell", "back/cell", "cell", "listed/cell/1"}
    x = RNG.random((2, 5, 4)).astype("float32")
    got = predict(build_graph(definition).model, x)
    assert np.allclose(got["both"][..., :3], got["fore_alone"], atol=1e-6)
    assert np.allclose(got["both"][:, ::-1, 3:], got["back_alone"], atol=1e-6)
    assert np.allclose(got["rnn"][:, -1], got["stack"], atol=1e-6)
    assert_roundtrip(definition, x)


def test_cell_is_shared_by_both_directions() -> None:
    inner = layer("RNN", cell="cell", return_sequences=True)
    definition = graph(
        {"x": [5, 4]},
        [node("both", layer("Bidirectional", layer=inner), "x"), node("plain", inner, "x")],
        ["both", "plain"],
        cell=layer("GRUCell", units=3),
    )
    layers = {key.rsplit("/", 1)[0] for key in list_keys(definition)}
    assert layers == {"cell", "both/backward_layer/cell"}
    got = predict(build_graph(definition).model, RNG.random((2, 5, 4)).astype("float32"))
    assert np.allclose(got["both"][..., :3], got["plain"], atol=1e-6)


def test_shared_model_is_copied_once_and_two_objects_twice() -> None:
    source = blueprint(ALONE)
    model_layer = {"type": "Model", "model": MODEL}
    definition = graph(
        {"a": [4]},
        [
            node("one", "copy", "a"),
            node("two", "copy", "one"),
            node("third", model_layer, "two"),
        ],
        ["third"],
        copy=model_layer,
    )
    made = build_graph(definition, {MODEL: source})
    assert [source.model for source in made.sources] == [MODEL, MODEL]
    assert [set(source.variables) for source in made.sources] == [list_keys(ALONE)] * 2
    assert set(made.variables) == {
        f"{name}/{key}" for name in ("copy", "third") for key in list_keys(ALONE)
    }
    assert made.sources[0].variables["shared/kernel"] is made.variables["copy/shared/kernel"]


@pytest.mark.parametrize("kind", ["Dense", "Dropout"])
def test_equal_names_get_different_keys(kind: str) -> None:
    """A shared layer, an input and the nodes of nested graphs may have one name."""
    other = layer("Dense", units=4) if kind == "Dense" else layer("Dropout", rate=0.1)
    inner = graph(
        {"a": [4]},
        [node("b", "x", "a"), node("x", other, "b"), node("end", "a", "x")],
        ["end"],
        a=SHARED,
    )
    definition = graph(
        {"x": [4]},
        [node("b", "x", "x"), node("x_1", nested(inner), "b"), node("y", other, "x_1")],
        ["y"],
        x=SHARED,
    )
    made = build_graph(definition)
    assert "x_2/kernel" in made.variables  # x is the input, x_1 a node
    assert "x_1/a_1/kernel" in made.variables
    assert_roundtrip(definition, RNG.random((2, 4)).astype("float32"))
