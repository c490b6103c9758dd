"""Predict jobs in one process, compared with plain Keras."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np

from domain.job.preparation import DROP, Window
from tests.worker.inference_tasks import InferenceJobs, finish, open_columns, read_rows, run
from tests.worker.training_tasks import Jobs, node, start
from worker.protocol.messages import Computed, Started

SMALL: dict[str, Any] = {
    "inputs": [{"name": "x", "shape": [3]}],
    "nodes": [node("y", "Dense", "x", units=2, activation="tanh")],
    "outputs": ["y"],
}
NOISY: dict[str, Any] = {
    "inputs": SMALL["inputs"],
    "nodes": [
        *SMALL["nodes"],
        {**node("noisy", "Dropout", "y", rate=0.5), "call": {"training": True}},
    ],
    "outputs": ["y", "noisy"],
}
STEPS: dict[str, Any] = {
    "inputs": [{"name": "words", "shape": [None], "dtype": "int32"}],
    "nodes": [
        node("vectors", "Embedding", "words", input_dim=20, output_dim=4),
        node("wide", "Conv1D", "vectors", filters=3, kernel_size=3, padding="same"),
        node("steps", "Dense", "wide", units=2),
        node("mean", "GlobalAveragePooling1D", "wide"),
    ],
    "outputs": ["steps", "mean"],
}


def test_rows_of_any_length_are_predicted_alone(jobs: Jobs) -> None:
    random = np.random.default_rng(0)
    words = [random.integers(0, 20, length).astype(np.int32) for length in [4, 1, 7, 4, 2] * 8]
    names = [None if i % 7 == 3 else f"row {i}" for i in range(len(words))]
    inference = InferenceJobs(jobs, STEPS)
    task = inference.predict({"words": words, "name": names}, batch_size=3, keep=["name"])
    made = run(task)

    columns = open_columns(made, task.folder)
    assert [(c.name, c.dtype, c.shape) for c in made.dataset.columns] == [
        ("steps", "float32", [None, 2]),
        ("mean", "float32", [3]),
        ("name", "string", []),
    ]
    steps, means = read_rows(columns["steps"]), read_rows(columns["mean"])
    model = inference.model()
    for i, row in enumerate(words):
        alone = model.predict(row[np.newaxis], verbose=0)
        np.testing.assert_allclose(steps[i], alone["steps"][0], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(means[i], alone["mean"][0], rtol=1e-5, atol=1e-6)
    assert read_rows(columns["name"]) == names


def test_a_killed_prediction_goes_on_with_the_same_bits(jobs: Jobs) -> None:
    random = np.random.default_rng(1)
    data = {"x": random.normal(size=(300, 3)).astype(np.float32), "id": np.arange(300)}
    inference = InferenceJobs(jobs, NOISY)
    task = inference.predict(data, batch_size=1, keep=["id"])
    undisturbed = run(task)

    fields = {"batch_size": 1, "keep": ["id"], "checkpoint_seconds": 0.0}
    attempt = start(inference.predict(data, **fields))
    first = attempt.until(lambda message: isinstance(message, Computed))
    second = attempt.until(lambda message: isinstance(message, Computed))
    assert isinstance(first, Computed)
    assert isinstance(second, Computed)
    assert (first.start, first.stop, second.start) == (0, 64, 64)
    attempt.kill()
    parts = [jobs.keep(attempt.folder / message.file.name) for message in (first, second)]
    again = start(replace(task, folder=jobs.folder(), parts=parts, done=second.stop))
    resumed = finish(again)
    started = again.messages[0]
    assert isinstance(started, Started)
    assert (started.step, started.steps) == (128, 300)
    assert resumed.dataset.sha256 == undisturbed.dataset.sha256
    assert resumed.dataset.columns == undisturbed.dataset.columns
    columns = open_columns(resumed, again.folder)
    values = columns["y"].read(0, 300).values
    noisy = columns["noisy"].read(0, 300).values
    assert 0 < np.count_nonzero(noisy == 0) < noisy.size
    weights = inference.weights()
    expected = np.tanh(data["x"] @ weights["y/kernel"] + weights["y/bias"])
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)


def test_windows_reach_the_last_row_and_rows_without_a_value_are_left_out(jobs: Jobs) -> None:
    random = np.random.default_rng(2)
    prices = random.normal(size=40).astype(np.float32)
    prices[11] = np.nan
    definition = {
        "inputs": [{"name": "price", "shape": [4]}],
        "nodes": [node("next", "Dense", "price", units=1)],
        "outputs": ["next"],
    }
    inference = InferenceJobs(jobs, definition)
    task = inference.predict({"price": prices, "day": np.arange(40)}, keep=["day"])
    window = Window(length=4, rate=2, target_offset=0)
    recipe = task.recipe.model_copy(update={"window": window, "missing": {"price": DROP}})
    task = replace(task, recipe=recipe)
    columns = open_columns(run(task), task.folder)

    windows = keras.utils.timeseries_dataset_from_array(
        prices, None, sequence_length=4, sampling_rate=2, batch_size=None
    )
    arrays = np.stack([np.asarray(item) for item in windows])
    whole = ~np.isnan(arrays).any(axis=1)
    expected = inference.model().predict(arrays[whole], verbose=0)["next"]
    np.testing.assert_allclose(read_rows(columns["next"]), expected, rtol=1e-5, atol=1e-6)
    assert read_rows(columns["day"]) == (np.flatnonzero(whole) + 6).tolist()
    assert read_rows(columns["day"])[-1] == 39


def test_missing_values_get_those_of_the_training(jobs: Jobs) -> None:
    inference = InferenceJobs(jobs, SMALL)
    ages = [3, None, 5, None]
    other = np.array([[1.0, np.nan], [2, 3], [np.nan, 4], [5, 6]], np.float32)
    task = inference.predict({"age": ages, "other": other}, fills={"age": 4.5, "other": [7.0, 8.0]})
    recipe = task.recipe.model_copy(update={"inputs": {"x": ["age", "other"]}})
    task = replace(task, recipe=recipe)
    columns = open_columns(run(task), task.folder)
    x = np.array([[3, 1, 8], [4.5, 2, 3], [5, 7, 4], [4.5, 5, 6]], np.float32)
    expected = inference.model().predict(x, verbose=0)["y"]
    np.testing.assert_allclose(read_rows(columns["y"]), expected, rtol=1e-5, atol=1e-6)
