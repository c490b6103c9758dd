"""Evaluate jobs in one process, compared with plain Keras."""

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, mean_absolute_error

from domain.job.recipe import Component, OutputRecipe
from tests.worker.inference_tasks import InferenceJobs, finish, run
from tests.worker.training_tasks import Jobs, node, start
from worker.protocol.messages import Checkpointed

TWO: dict[str, Any] = {
    "inputs": [{"name": "x", "shape": [6]}],
    "nodes": [
        node("kind", "Dense", "x", units=3, activation="softmax"),
        node("size", "Dense", "x", units=1),
    ],
    "outputs": ["kind", "size"],
}
F1 = Component(type="F1Score")


def make_columns(rows: int) -> dict[str, Any]:
    random = np.random.default_rng(4)
    return {
        "x": random.normal(size=(rows, 6)).astype(np.float32),
        "kind": np.eye(3, dtype=np.float32)[random.integers(0, 3, rows)],
        "size": random.normal(size=rows),
        "trust": random.uniform(0.2, 3, rows),
    }


def evaluate(inference: InferenceJobs, columns: dict[str, Any], **fields: Any) -> Any:
    task = inference.evaluate(columns, **fields)
    outputs = {
        "kind": OutputRecipe(
            loss="categorical_crossentropy", loss_weight=0.5, metrics=["accuracy", F1],
            target="kind",
        ),
        "size": OutputRecipe(loss="mse", metrics=["mae"], target="size", sample_weight="trust"),
    }  # fmt: skip
    return replace(task, recipe=task.recipe.model_copy(update={"outputs": outputs}))


def test_metrics_are_those_of_keras_also_after_a_kill(jobs: Jobs) -> None:
    columns = make_columns(1_030)
    inference = InferenceJobs(jobs, TWO)
    task = evaluate(inference, columns, checkpoint_seconds=0.0)
    attempt = start(task)
    message = attempt.until(lambda m: isinstance(m, Checkpointed))
    assert isinstance(message, Checkpointed)
    assert message.checkpoint is not None
    kept = jobs.keep(attempt.folder / message.checkpoint.name)
    outcome = finish(attempt)
    metrics = dict(outcome.metrics)

    model = inference.model()
    model.compile(
        loss={"kind": "categorical_crossentropy", "size": "mse"},
        loss_weights={"kind": 0.5, "size": 1.0},
        metrics={"kind": ["accuracy", "f1_score"], "size": ["mae"]},
    )
    ones = np.ones(1_030)
    wanted = model.evaluate(
        columns["x"],
        {"kind": columns["kind"], "size": columns["size"]},
        sample_weight={"kind": ones, "size": columns["trust"]},
        return_dict=True,
        verbose=0,
    )
    assert metrics.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_allclose(metrics[name], np.asarray(value), rtol=1e-5)
    assert len(metrics["kind_f1_score"]) == 3

    resumed = run(replace(task, folder=jobs.folder(), checkpoint=kept))
    assert dict(resumed.metrics) == metrics
    check_report(outcome.report, columns, model.predict(columns["x"], verbose=0))
    assert resumed.report.model_dump_json() == outcome.report.model_dump_json()


def check_report(report: Any, columns: dict[str, Any], predicted: Any) -> None:
    """Compares a report with scikit-learn's numbers."""
    assert (report.rows, list(report.outputs)) == (1_030, ["kind", "size"])
    decided = [array.argmax(axis=1) for array in (columns["kind"], predicted["kind"])]
    assert report.outputs["kind"].confusion_matrix == confusion_matrix(*decided).tolist()
    error = mean_absolute_error(columns["size"], predicted["size"], sample_weight=columns["trust"])
    np.testing.assert_allclose(report.outputs["size"].mae, error, rtol=1e-5)
