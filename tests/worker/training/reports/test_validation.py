"""The report of a training: of the model that is saved, on the validation rows."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from sklearn import metrics

from domain.job.recipe import Component, Fit, OutputRecipe, Recipe
from domain.report.report import Report
from tests.worker.child import in_child
from tests.worker.training_tasks import (
    DENSE,
    WORDS,
    Attempt,
    Jobs,
    checkpointed,
    dense_columns,
    node,
    recipe,
    start,
    words_columns,
)
from worker.protocol.messages import Checkpointed, EpochEnded, SaveCheckpoint, Warned
from worker.protocol.tasks import Task, TrainTask
from worker.training.handlers import train
from worker.training.main import run
from worker.training.reports import validation

Array = np.ndarray[Any, Any]


def report_of(attempt: Attempt) -> Report:
    report = attempt.finish().report
    assert report is not None
    return report


def predict(attempt: Attempt, rows: Any) -> Any:
    """What plain Keras predicts with the file of the model."""
    path = str(attempt.folder / "model.keras")
    return in_child(_predict, path, rows)


def _predict(path: str, rows: Any) -> Any:
    return keras.models.load_model(path).predict(rows, verbose=0)


def test_the_report_is_that_of_the_saved_model(jobs: Jobs) -> None:
    columns = dense_columns(390)  # the last batch is smaller
    stopping = Component(type="EarlyStopping", config={"patience": 1, "restore_best_weights": True})
    fit = Fit(epochs=4, validation_split=0.25, callbacks=[stopping])
    attempt = start(jobs.train(DENSE, columns, recipe(), fit))
    report = report_of(attempt)
    rows = slice(292, None)
    outputs = predict(attempt, columns["x"][rows])["y"]
    targets = columns["y"][rows].argmax(axis=1)
    found: Any = report.outputs["y"]
    assert report.rows == 98
    assert found.kind == "classes"
    expected = metrics.confusion_matrix(targets, outputs.argmax(axis=1), labels=range(10))
    assert found.confusion_matrix == expected.tolist()


@pytest.mark.slow
def test_a_killed_training_makes_the_same_report_again(jobs: Jobs) -> None:
    fit = Fit(epochs=2, validation_split=0.2)
    task = jobs.train(WORDS, words_columns(), recipe("binary_crossentropy"), fit)
    expected = report_of(start(task))
    killed = start(replace(task, folder=jobs.folder()))
    checkpoint = jobs.keep(checkpointed(killed, 1))
    killed.kill()
    resumed = replace(task, folder=jobs.folder(), checkpoint=checkpoint)
    assert report_of(start(resumed)).model_dump_json() == expected.model_dump_json()


def test_several_outputs_weights_and_masked_steps(jobs: Jobs) -> None:
    """Padding counts nowhere; sample weights do; an output without a target is left out."""
    definition = {
        "inputs": [{"name": "x", "shape": [None], "dtype": "int32"}],
        "nodes": [
            node("words", "Embedding", "x", input_dim=9, output_dim=4, mask_zero=True),
            node("steps", "Dense", "words", units=1, activation="sigmoid"),
            node("mean", "GlobalAveragePooling1D", "words"),
            node("number", "Dense", "mean", units=2),
            node("other", "Dense", "mean", units=2),
        ],
        "outputs": ["steps", "number", "other"],
    }
    random = np.random.default_rng(0)
    lengths = random.integers(1, 7, 40)
    columns: dict[str, Any] = {
        "x": [random.integers(1, 9, n).astype(np.int32) for n in lengths],
        "steps": [random.integers(0, 2, n).astype(np.float32) for n in lengths],
        "number": random.normal(size=(40, 2)),
        "weight": random.random(40),
    }
    outputs = {
        "steps": OutputRecipe(loss="binary_crossentropy", target="steps"),
        "number": OutputRecipe(loss="mse", target="number", sample_weight="weight"),
        "other": OutputRecipe(),
    }
    made = Recipe(optimizer="sgd", jit_compile=False, inputs={"x": ["x"]}, outputs=outputs)
    fit = Fit(epochs=1, validation_split=0.5, batch_size=3)
    attempt = start(jobs.train(definition, columns, made, fit))
    report = report_of(attempt)
    steps: Any = report.outputs["steps"]
    assert steps.kind == "binary"
    assert steps.count == lengths[20:].sum()
    assert steps.classes[1].support == sum(sum(row) for row in columns["steps"][20:])
    padded = np.zeros((20, 6), np.int32)
    for row, words in zip(padded, columns["x"][20:], strict=True):
        row[: len(words)] = words
    numbers: Any = report.outputs["number"]
    expected = metrics.mean_absolute_error(
        columns["number"][20:],
        predict(attempt, padded)["number"],
        sample_weight=columns["weight"][20:],
    )
    assert numbers.mae == pytest.approx(expected, rel=1e-5)
    assert [one.name for one in report.outputs_left_out] == ["other"]


def test_without_validation_rows_there_is_no_report(jobs: Jobs) -> None:
    attempt = start(jobs.train(DENSE, dense_columns(40), recipe(), Fit()))
    assert attempt.finish().report is None


def test_a_failing_report_does_not_lose_the_model(jobs: Jobs) -> None:
    fit = Fit(validation_split=0.5)
    attempt = start(jobs.train(DENSE, dense_columns(40), recipe(), fit), _fail_to_report)
    outcome = attempt.finish()
    assert outcome.report is None
    assert "model.safetensors" in [file.name for file in outcome.files]
    texts = [message.text for message in attempt.messages if isinstance(message, Warned)]
    assert texts == ["The report of the validation rows could not be made (RuntimeError)."]


def _fail_to_report(task: Task, connection: Any) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("a secret path")

    vars(validation).update(describe_outputs=fail)
    run(task, connection)


@pytest.mark.slow
def test_nan_predictions_are_told(jobs: Jobs) -> None:
    fit = Fit(epochs=1, validation_split=0.5)
    columns = dense_columns(40)
    optimizer = Component(type="SGD", config={"learning_rate": 1e38})
    made = recipe(optimizer=optimizer)
    attempt = start(jobs.train(DENSE, columns, made, fit))
    report: Any = report_of(attempt)
    assert report.outputs["y"].excluded.predictions == 20
    texts = [message.text for message in attempt.messages if isinstance(message, Warned)]
    assert any("leaves out 20 rows" in text for text in texts)


@pytest.mark.slow
def test_a_pause_during_the_report_gets_a_checkpoint(jobs: Jobs) -> None:
    """A checkpoint of the end of the training, from which the report is made with equal bits."""
    fit = Fit(epochs=2, validation_split=0.5)
    task = jobs.train(DENSE, dense_columns(40), recipe(), fit)
    expected = report_of(start(task))
    again = replace(task, folder=jobs.folder())
    attempt = start(again, _request_a_checkpoint)
    attempt.until(lambda message: isinstance(message, Checkpointed))
    attempt.kill()
    checkpoint = jobs.keep(attempt.folder / "checkpoint-2-0.safetensors")
    resumed = start(replace(task, folder=jobs.folder(), checkpoint=checkpoint))
    assert report_of(resumed).model_dump_json() == expected.model_dump_json()
    assert not [message for message in resumed.messages if isinstance(message, EpochEnded)]


def _request_a_checkpoint(task: TrainTask, connection: Any) -> None:
    """Runs the task with a request that comes while the report is made."""

    def report(*arguments: Any) -> Any:
        link = arguments[4]
        link._handle(SaveCheckpoint())
        return validation.try_report(*arguments)

    vars(train).update(try_report=report)
    run(task, connection)


def test_batches_are_larger_than_in_training_where_memory_allows(jobs: Jobs) -> None:
    task = jobs.train(DENSE, dense_columns(4), recipe(), Fit(batch_size=8))
    assert validation.find_batch_size(task) == 1_024
    size = task.summary.bytes.model_copy(update={"activations_per_row": 1 << 20})
    wide = replace(task, summary=task.summary.model_copy(update={"bytes": size}))
    assert validation.find_batch_size(wide) == 64
    assert validation.find_batch_size(replace(wide, fit=Fit(batch_size=100))) == 100
    (tensor,) = task.summary.inputs
    ragged = tensor.model_copy(update={"shape": [None, None]})
    summary = task.summary.model_copy(update={"inputs": [ragged]})
    assert validation.find_batch_size(replace(task, summary=summary)) == 8
