"""Trainings on prepared columns; plain Keras with the same rows in the same order is the oracle."""

from typing import Any

import numpy as np
import pytest

from domain.job.preparation import Window
from domain.job.recipe import Fit, OutputRecipe, Recipe
from tests.worker.child import in_child
from tests.worker.resuming import assert_same, checkpoint_at, with_folder, within
from tests.worker.training_tasks import Jobs, node, start
from worker.training.hardware.environment import pin
from worker.training.steps import make_row_order

Array = np.ndarray[Any, Any]


def recipe(inputs: dict[str, list[str]], output: OutputRecipe, **fields: Any) -> Recipe:
    return Recipe(
        optimizer="sgd", jit_compile=False, inputs=inputs, outputs={"y": output}, **fields
    )


FORECAST: dict[str, Any] = {
    "inputs": [{"name": "x", "shape": [4, 2]}],
    "nodes": [node("state", "LSTM", "x", units=5), node("y", "Dense", "state", units=1)],
    "outputs": ["y"],
}


def forecast_by_keras(seed: int, data: Array, targets: Array) -> list[Array]:
    import keras
    from keras import layers

    pin(deterministic=True)
    keras.utils.set_random_seed(seed)
    x = keras.Input((4, 2), name="x")
    state = layers.LSTM(5)(x)  # layers are made in the graph's order
    model = keras.Model(x, layers.Dense(1)(state))
    model.compile("sgd", "mse")
    batches = keras.utils.timeseries_dataset_from_array(
        data, targets, sequence_length=4, sequence_stride=2, batch_size=10_000
    )
    windows, wanted = next(iter(batches))
    for epoch in range(2):
        rows = make_row_order(seed, epoch, len(windows), shuffle=True)
        model.fit(windows.numpy()[rows], wanted.numpy()[rows], shuffle=False, verbose=0)
    found: list[Array] = model.get_weights()
    return found


@pytest.mark.slow
def test_windows_of_columns_side_by_side_train_as_in_keras(jobs: Jobs) -> None:
    random = np.random.default_rng(0)
    heat, rain = random.random(300).astype(np.float32), random.random(300).astype(np.float32)
    made = recipe(
        {"x": ["heat", "rain"]},
        OutputRecipe(loss="mse", target="heat"),
        window=Window(length=4, stride=2),
    )
    fit = Fit(epochs=2, validation_split=0.2)
    task = jobs.train(FORECAST, {"heat": heat, "rain": rain}, made, fit)
    attempt = start(task)
    attempt.finish()

    part = np.column_stack([heat, rain])[:240]
    theirs = in_child(forecast_by_keras, task.seed, part, part[4:, 0])
    ours = attempt.weights()
    assert np.array_equal(ours["y/kernel"], theirs[-2])
    assert np.array_equal(ours["y/bias"], theirs[-1])


WORDS: dict[str, Any] = {
    "inputs": [{"name": "x", "shape": [None], "dtype": "int32"}],
    "nodes": [
        node("words", "Embedding", "x", input_dim=50, output_dim=8, mask_zero=True),
        node("state", "GRU", "words", units=6),
        node("dropped", "Dropout", "state", rate=0.2),
        node("y", "Dense", "dropped", units=3, activation="softmax"),
    ],
    "outputs": ["y"],
}
KINDS = ["film", "music", "sport"]


def texts(rows: int) -> dict[str, Any]:
    random = np.random.default_rng(0)
    lengths = random.integers(1, 30, rows)
    return {
        "x": [random.integers(1, 50, length) for length in lengths],
        "kind": random.choice(KINDS, rows).tolist(),
    }


def ragged_recipe(*, bucket: bool) -> Recipe:
    loss = "sparse_categorical_crossentropy"
    output = OutputRecipe(loss=loss, metrics=["accuracy"], target="kind", classes=[*KINDS])
    return recipe({"x": ["x"]}, output, bucket=bucket)


def padded_by_keras(seed: int, rows: list[Array], classes: Array) -> list[Array]:
    import keras
    from keras import layers

    pin(deterministic=True)
    keras.utils.set_random_seed(seed)
    x = keras.Input((None,), dtype="int32", name="x")
    words = layers.Embedding(50, 8, mask_zero=True)(x)
    state = layers.GRU(6)(words)
    dropped = layers.Dropout(0.2)(state)
    model = keras.Model(x, layers.Dense(3, activation="softmax")(dropped))
    model.compile("sgd", "sparse_categorical_crossentropy")
    order = make_row_order(seed, 0, len(rows), shuffle=True)
    for at in range(0, len(rows), 32):
        taken = order[at : at + 32]
        batch = keras.utils.pad_sequences([rows[i] for i in taken], padding="post")
        model.train_on_batch(batch, classes[taken])
    found: list[Array] = model.get_weights()
    return found


@pytest.mark.slow
def test_rows_of_any_length_are_padded_by_batch_as_in_keras(jobs: Jobs) -> None:
    columns = texts(160)
    task = jobs.train(WORDS, columns, ragged_recipe(bucket=False), Fit())
    attempt = start(task)
    attempt.finish()

    classes = np.array([KINDS.index(kind) for kind in columns["kind"]])
    theirs = in_child(padded_by_keras, task.seed, columns["x"], classes)
    ours = attempt.weights()
    assert np.array_equal(ours["words/embeddings"], theirs[0])
    assert np.array_equal(ours["y/kernel"], theirs[-2])


@pytest.mark.slow
def test_a_training_in_buckets_resumes_with_the_same_bits(jobs: Jobs) -> None:
    fit = Fit(epochs=2, batch_size=4, validation_split=0.1)
    task = jobs.train(WORDS, texts(1_000), ragged_recipe(bucket=True), fit)
    whole = start(task)
    whole.finish()
    _, checkpoint = checkpoint_at(jobs, with_folder(jobs, task), within(1))
    resumed = start(with_folder(jobs, task, checkpoint=checkpoint))
    resumed.finish()
    assert_same(resumed, whole)


CITIES: dict[str, Any] = {
    "inputs": [{"name": "city", "shape": [], "dtype": "string"}, {"name": "age", "shape": []}],
    "nodes": [
        node("one", "StringLookup", "city", vocabulary=["oslo", "rome"], output_mode="one_hot"),
        {"name": "years", "op": "expand_dims", "inputs": "age", "config": {"axis": -1}},
        node("both", "Concatenate", ["one", "years"]),
        node("y", "Dense", "both", units=1),
    ],
    "outputs": ["y"],
}


def test_text_and_filled_numbers_feed_inputs(jobs: Jobs) -> None:
    columns = {
        "town": ["oslo", "rome", None, "bonn"] * 25,
        "years": [1.0, None, 3.0, 5.0] * 25,
        "y": np.array([2.0, 4.0, 6.0, 8.0] * 25),
    }
    made = recipe(
        {"city": ["town"], "age": ["years"]},
        OutputRecipe(loss="mse", target="y"),
        missing={"town": "rome", "years": "median"},
    )
    attempt = start(jobs.train(CITIES, columns, made, Fit(epochs=40)))
    found = attempt.finish()
    assert dict(found.missing) == {"city": "rome", "age": 3.0}
    assert attempt.metrics()[-1]["loss"] < 0.5 * attempt.metrics()[0]["loss"]
