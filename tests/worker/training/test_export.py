import json
from typing import Any

import keras
import numpy as np
import pytest

from domain.job.outcome import ModelMade
from domain.job.recipe import Fit
from tests.worker.child import in_child
from tests.worker.training_tasks import (
    DENSE,
    WORDS,
    Attempt,
    Jobs,
    dense_columns,
    node,
    recipe,
    start,
    words_columns,
)

SHARED = {
    "inputs": [{"name": "x", "shape": [8]}],
    "layers": {"shared": {"type": "Dense", "config": {"units": 8}}},
    "nodes": [
        {"name": "outside", "layer": "shared", "inputs": "x"},
        {
            "name": "nested",
            "layer": {
                "type": "Graph",
                "graph": {
                    "inputs": [{"name": "z", "shape": [8]}],
                    "nodes": [{"name": "inside", "layer": "shared", "inputs": "z"}],
                    "outputs": ["inside"],
                },
            },
            "inputs": "outside",
        },
    ],
    "outputs": ["nested"],
}
TWIN = {
    "inputs": [{"name": "a", "shape": [6, 4]}, {"name": "b", "shape": [None, 4]}],
    "layers": {"lstm": {"type": "LSTM", "config": {"units": 5}}},
    "nodes": [
        {"name": "left", "layer": "lstm", "inputs": "a"},
        {"name": "right", "layer": "lstm", "inputs": "b"},
        node("both", "Concatenate", ["left", "right"]),
    ],
    "outputs": ["both", "left"],
}


def built(jobs: Jobs, definition: dict[str, Any]) -> tuple[Attempt, ModelMade]:
    attempt = start(jobs.build(definition))
    return attempt, attempt.finish()


def reloaded(path: str, rows: Any) -> tuple[list[Any], Any, bool]:
    model = keras.models.load_model(path)
    return model.get_weights(), model.predict(rows, verbose=0), model.compiled


@pytest.mark.parametrize(
    "definition",
    [
        DENSE,
        pytest.param(WORDS, marks=pytest.mark.slow),
        pytest.param(TWIN, marks=pytest.mark.slow),
    ],
    ids=["dense", "words", "twin"],
)
def test_plain_keras_reads_the_files_back(jobs: Jobs, definition: dict[str, Any]) -> None:
    attempt, finished = built(jobs, definition)

    assert finished.files_left_out == ()
    random = np.random.default_rng(0)
    rows = [random.random((2, *(7 if n is None else n for n in item["shape"])))
            for item in definition["inputs"]]  # fmt: skip
    weights, predictions, compiled = in_child(reloaded, str(attempt.folder / "model.keras"), rows)
    ours = attempt.weights()
    assert sum(array.size for array in weights) == sum(
        array.size for name, array in ours.items() if "seed" not in name
    )
    assert {*predictions} == {*definition["outputs"]}
    assert not compiled


def test_a_trained_model_is_saved_without_its_optimizer(jobs: Jobs) -> None:
    attempt = start(jobs.train(WORDS, words_columns(), recipe("binary_crossentropy", "adam")))
    attempt.finish()

    rows = np.ones((2, 12))
    weights, _, compiled = in_child(reloaded, str(attempt.folder / "model.keras"), rows)
    assert not compiled
    assert np.array_equal(weights[0], attempt.weights()["words/embeddings"])


def test_a_model_that_keras_cannot_save_lacks_only_those_files(jobs: Jobs) -> None:
    attempt, finished = built(jobs, SHARED)

    assert [file.name for file in finished.files] == ["model.safetensors", "history.json"]
    assert {path.name for path in attempt.folder.iterdir()} == {"model.safetensors", "history.json"}
    archive, weights = finished.files_left_out
    assert (archive.name, weights.name) == ("model.keras", "model.weights.h5")
    assert archive.reason.startswith("The layer 'shared' is shared across the border of a nested")
    assert len(attempt.weights()) == 2


def test_history_contains_null_for_a_metric_that_is_not_finite(jobs: Jobs) -> None:
    columns = dense_columns()
    columns["y"][0] = np.nan
    attempt = start(jobs.train(DENSE, columns, recipe(), Fit(epochs=2)))
    finished = attempt.finish()

    assert np.isnan(finished.metrics["loss"])
    history = json.loads((attempt.folder / "history.json").read_text())
    assert history["epochs"][0]["metrics"]["loss"] is None
    assert history["non_finite"]["/epochs/0/metrics/loss"] == "NaN"
    assert [epoch["epoch"] for epoch in history["epochs"]] == [1, 2]
    assert finished.files_left_out == ()
