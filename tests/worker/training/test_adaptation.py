"""Layers learn in the training process what Keras's `adapt` learns from the same rows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.datasets import load_wine

from domain.graph.adaptation import find_adaptive_layers
from domain.graph.language import Blueprint
from domain.job.recipe import Fit, Recipe
from tests.worker.child import in_child
from tests.worker.training_tasks import Attempt, Jobs, node, recipe, start
from worker.protocol.messages import Failed, SaveCheckpoint, Started
from worker.protocol.tasks import TrainTask

WORDS = np.array(
    [
        "the",
        "cat",
        "sat",
        "on",
        "a",
        "mat",
        "and",
        "the",
        "dog",
        "ate",
        "my",
        "cat",
        "again",
        "today",
    ]
)
DRAW = np.random.default_rng(3)


def texts(rows: int) -> Any:
    """Texts of 1 to 8 words, of shape (rows, 1)."""
    made = [" ".join(DRAW.choice(WORDS, DRAW.integers(1, 9))) for _ in range(rows)]
    return np.array(made)[:, np.newaxis]


def graph(dtype: str, shape: Sequence[int | None], *nodes: dict[str, Any]) -> dict[str, Any]:
    return {
        "inputs": [{"name": "x", "shape": [*shape], "dtype": dtype}],
        "nodes": [*nodes, node("y", "Dense", nodes[-1]["name"], units=1)],
        "outputs": ["y"],
    }


def make_task(jobs: Jobs, definition: dict[str, Any], x: Any, **fields: Any) -> TrainTask:
    values = x.reshape(-1).tolist() if x.dtype.kind == "U" else x
    columns = {"x": values, "y": DRAW.random((len(x), 1))}
    made: Recipe = recipe("mse", metrics=[])
    task = jobs.train(definition, columns, made, **{"fit": Fit(epochs=1), **fields})
    names = [item.name for item in find_adaptive_layers(task.blueprint.definition)]
    return replace(task, summary=task.summary.model_copy(update={"adapts": names}))


def learn(attempt: Attempt) -> dict[str, Any]:
    """The configs of the nodes' layers after the training."""
    learned = attempt.finish().learned
    assert learned is not None
    return configs(learned.blueprint)


def configs(blueprint: Blueprint) -> dict[str, Any]:
    nodes: list[Any] = list(blueprint.definition.nodes)
    return {item.name: item.layer.config for item in nodes if not isinstance(item.layer, str)}


def adapt_by_keras(kind: str, config: dict[str, Any], data: Any) -> Any:
    """The state of a layer after Keras's own `adapt` on the whole array."""
    layer = getattr(keras.layers, kind)(**config)
    layer.adapt(data)
    if kind == "Normalization":
        return np.asarray(layer.mean), np.asarray(layer.variance)
    if kind == "Discretization":
        return list(layer.bin_boundaries)
    return layer.get_vocabulary(include_special_tokens=False)


@pytest.mark.parametrize("axis", [-1, None, pytest.param([1, 2], marks=pytest.mark.slow)])
def test_normalization_learns_mean_and_variance(jobs: Jobs, axis: Any) -> None:
    x = DRAW.normal(1e3, 5.0, (5_000, 3, 2)).astype(np.float32)
    layers = (node("n", "Normalization", "x", axis=axis), node("f", "Flatten", "n"))
    config = learn(start(make_task(jobs, graph("float32", [3, 2], *layers), x)))["n"]
    kept = {-1: (0, 1), None: (0, 1, 2)}.get(axis, (0,)) if not isinstance(axis, list) else (0,)
    wide = x.astype(np.float64)
    assert np.allclose(config["mean"], wide.mean(kept), rtol=1e-7)
    assert np.allclose(config["variance"], wide.var(kept), rtol=1e-6)
    mean, variance = in_child(adapt_by_keras, "Normalization", {"axis": axis}, x)
    assert np.allclose(np.ravel(mean), np.ravel(config["mean"]), rtol=1e-5)
    assert np.allclose(np.ravel(variance), np.ravel(config["variance"]), rtol=1e-3)


def test_the_training_rows_alone_are_learned_from(jobs: Jobs) -> None:
    x = np.arange(40, dtype=np.float32).reshape(40, 1)
    task = make_task(
        jobs,
        graph("float32", [1], node("n", "Normalization", "x")),
        x,
        fit=Fit(epochs=1, validation_split=0.25),
    )
    config = learn(start(task))["n"]
    assert config["mean"] == [pytest.approx(x[:30].mean())]
    assert config["variance"] == [pytest.approx(x[:30].var())]


def test_single_numbers_are_rows_of_one_number(jobs: Jobs) -> None:
    x = np.arange(6, dtype=np.int64)
    config = learn(
        start(make_task(jobs, graph("float32", [1], node("n", "Normalization", "x")), x))
    )["n"]
    assert (config["mean"], config["variance"]) == ([2.5], [pytest.approx(x.var())])


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("TextVectorization", {"max_tokens": 8, "output_sequence_length": 5}),
        pytest.param(
            "TextVectorization",
            {"max_tokens": 12, "pad_to_max_tokens": True, "output_mode": "tf_idf", "ngrams": 2},
            marks=pytest.mark.slow,
        ),
        pytest.param("StringLookup", {"max_tokens": 6}, marks=pytest.mark.slow),
        pytest.param(
            "StringLookup",
            {"max_tokens": 40, "pad_to_max_tokens": True, "output_mode": "multi_hot"},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_lookups_learn_their_vocabulary(jobs: Jobs, kind: str, config: dict[str, Any]) -> None:
    x = texts(300) if kind == "TextVectorization" else DRAW.choice(WORDS, (300, 1))
    shape = [] if config.get("output_mode") == "tf_idf" else [1]
    x = x.reshape(-1, *shape)
    layers = [node("n", kind, "x", **config)]
    if config.get("output_mode", "int") == "int":
        layers.append(node("f", "Embedding", "n", input_dim=8, output_dim=2))
        layers.append(node("g", "Flatten", "f"))
    learned = learn(start(make_task(jobs, graph("string", shape, *layers), x)))["n"]
    assert learned["vocabulary"] == in_child(adapt_by_keras, kind, config, x)
    if config.get("output_mode") == "tf_idf":
        assert len(learned["idf_weights"]) == len(learned["vocabulary"])


@pytest.mark.slow
def test_integers_and_bins_are_learned(jobs: Jobs) -> None:
    x = DRAW.integers(-5, 20, (500, 1))
    layers = (
        node("n", "IntegerLookup", "x", max_tokens=10),
        node("e", "CategoryEncoding", "n", num_tokens=10, output_mode="one_hot"),
    )
    learned = learn(start(make_task(jobs, graph("int64", [1], *layers), x)))["n"]
    expected = in_child(adapt_by_keras, "IntegerLookup", {"max_tokens": 10}, x)
    assert learned["vocabulary"] == [int(token) for token in expected]
    values = DRAW.normal(size=(500, 1)).astype(np.float32)
    bins = (
        node("n", "Discretization", "x", num_bins=4),
        node("e", "CategoryEncoding", "n", num_tokens=4, output_mode="one_hot"),
    )
    learned = learn(start(make_task(jobs, graph("float32", [1], *bins), values)))["n"]
    boundaries = in_child(adapt_by_keras, "Discretization", {"num_bins": 4}, values)
    assert learned["bin_boundaries"] == pytest.approx(boundaries)
    assert learned["bin_boundaries"] == pytest.approx(
        np.quantile(values, [0.25, 0.5, 0.75]), abs=0.1
    )


def test_a_layer_learns_from_what_reaches_it(jobs: Jobs) -> None:
    x = load_wine().data.astype(np.float32)
    layers = (
        node("first", "Normalization", "x"),
        node("half", "Rescaling", "first", scale=0.5, offset=3.0),
        node("second", "Normalization", "half"),
    )
    task = make_task(jobs, graph("float32", [13], *layers), x)
    found = learn(start(task))
    assert np.allclose(found["first"]["mean"], x.astype(np.float64).mean(0), rtol=1e-6)
    assert np.allclose(found["second"]["mean"], 3.0, atol=1e-5)
    assert np.allclose(found["second"]["variance"], 0.25, atol=1e-4)


@pytest.mark.slow
def test_a_resumed_training_keeps_what_was_learned(jobs: Jobs) -> None:
    x = texts(400)
    layers = (
        node("n", "TextVectorization", "x", max_tokens=10, output_sequence_length=6),
        node("e", "Embedding", "n", input_dim=10, output_dim=4),
        node("f", "Flatten", "e"),
    )
    task = make_task(jobs, graph("string", [1], *layers), x, fit=Fit(epochs=400))
    whole = start(task)
    expected = learn(whole)
    broken = start(replace(task, folder=jobs.folder()))
    broken.until(lambda message: isinstance(message, Started))
    broken.connection.send(SaveCheckpoint())
    saved: Any = broken.until(lambda message: getattr(message, "checkpoint", None) is not None)
    checkpoint = jobs.keep(broken.folder / saved.checkpoint.name)
    broken.kill()
    resumed = start(replace(task, folder=jobs.folder(), checkpoint=checkpoint))
    assert learn(resumed) == expected
    weights = whole.weights()
    assert all(np.array_equal(array, weights[key]) for key, array in resumed.weights().items())


def test_texts_without_tokens_fail_at_the_layer(jobs: Jobs) -> None:
    layers = (
        node("n", "TextVectorization", "x", max_tokens=10, output_sequence_length=2),
        node("e", "Embedding", "n", input_dim=10, output_dim=2),
        node("f", "Flatten", "e"),
    )
    x = np.array([["  "], ["."]] * 20)
    failure = start(make_task(jobs, graph("string", [1], *layers), x)).end()
    assert isinstance(failure, Failed)
    assert (failure.category, failure.pointer) == ("user", "/graph/nodes/0/layer")
    assert "finds no token" in failure.detail


def make_rows(rows: int) -> list[Any]:
    """Rows of 0 to 12 pairs; the first one is by far the longest."""
    lengths = [40, *DRAW.integers(0, 13, rows - 1)]
    return [DRAW.normal(50.0, 3.0, (length, 2)).astype(np.float32) for length in lengths]


def ragged_task(jobs: Jobs, definition: dict[str, Any], rows: list[Any], count: int) -> TrainTask:
    columns = {"x": rows, "y": DRAW.random((count, 1))}
    task = jobs.train(definition, columns, recipe("mse", metrics=[]), fit=Fit(epochs=1))
    names = [item.name for item in find_adaptive_layers(task.blueprint.definition)]
    return replace(task, summary=task.summary.model_copy(update={"adapts": names}))


def test_padding_is_not_learned_from(jobs: Jobs) -> None:
    """The oracle is NumPy on the values of all rows, one after the other."""
    rows = make_rows(300)
    layers = (
        node("n", "Normalization", "x"),
        node("twice", "Rescaling", "n", scale=2.0, offset=1.0),
        node("second", "Normalization", "twice"),
        node("g", "GlobalAveragePooling1D", "second"),
    )
    found = learn(start(ragged_task(jobs, graph("float32", [None, 2], *layers), rows, 300)))
    values = np.concatenate(rows).astype(np.float64)
    assert np.allclose(found["n"]["mean"], values.mean(0), rtol=1e-6)
    assert np.allclose(found["n"]["variance"], values.var(0), rtol=1e-5)
    assert np.allclose(found["second"]["mean"], 1.0, atol=1e-4)
    assert np.allclose(found["second"]["variance"], 4.0, rtol=1e-3)


@pytest.mark.slow
def test_padding_is_no_token_and_has_no_bin(jobs: Jobs) -> None:
    lengths = [60, *DRAW.integers(0, 5, 199)]
    rows = [DRAW.integers(3, 20, length) for length in lengths]
    layers = (
        node("n", "IntegerLookup", "x", max_tokens=40),
        node("e", "Embedding", "n", input_dim=40, output_dim=2),
        node("g", "GlobalAveragePooling1D", "e"),
    )
    found = learn(start(ragged_task(jobs, graph("int64", [None], *layers), rows, 200)))
    values = np.concatenate(rows)
    tokens = in_child(adapt_by_keras, "IntegerLookup", {"max_tokens": 40}, values)
    assert found["n"]["vocabulary"] == [int(token) for token in tokens]
    pairs = make_rows(300)
    bins = (
        node("n", "Discretization", "x", num_bins=4),
        node("c", "Rescaling", "n", scale=1.0),
        node("g", "GlobalAveragePooling1D", "c"),
    )
    found = learn(start(ragged_task(jobs, graph("float32", [None, 2], *bins), pairs, 300)))
    quantiles = np.quantile(np.concatenate(pairs), [0.25, 0.5, 0.75])
    assert found["n"]["bin_boundaries"] == pytest.approx(quantiles, abs=0.3)


def test_rows_that_are_all_empty_fail_at_the_layer(jobs: Jobs) -> None:
    layers = (node("n", "Normalization", "x"), node("g", "GlobalAveragePooling1D", "n"))
    rows = [np.empty((0, 2), np.float32)] * 20
    failure = start(ragged_task(jobs, graph("float32", [None, 2], *layers), rows, 20)).end()
    assert isinstance(failure, Failed)
    assert (failure.category, failure.pointer) == ("user", "/graph/nodes/0/layer")
    assert "no value to learn from" in failure.detail


@pytest.mark.parametrize("bins", [4, 49])
def test_there_are_as_many_bins_as_asked_for(jobs: Jobs, bins: int) -> None:
    """Keras gives one more for 49, since 1 / (1 / 49) is more than 49."""
    values = DRAW.normal(size=(2_000, 1)).astype(np.float32)
    layers = (
        node("n", "Discretization", "x", num_bins=bins),
        node("e", "CategoryEncoding", "n", num_tokens=bins, output_mode="one_hot"),
    )
    found = learn(start(make_task(jobs, graph("float32", [1], *layers), values)))["n"]
    assert len(found["bin_boundaries"]) == bins - 1
    wanted = np.quantile(values, np.arange(1, bins) / bins)
    assert found["bin_boundaries"] == pytest.approx(wanted, abs=0.2)
