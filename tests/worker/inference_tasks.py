"""Tasks of small evaluate and predict jobs, and the columns that they write."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
from safetensors.numpy import load_file

from domain.dataset import ColumnPart, make_file_name
from domain.job.outcome import Evaluated, Predicted
from domain.job.recipe import OutputRecipe, Recipe
from domain.model import Preparation
from models_store.datasets.columns.file import ArrayFile
from models_store.datasets.columns.read import StoredColumn, open_column
from tests.worker.training_tasks import Arrays, Attempt, Jobs, start
from worker.protocol.messages import Finished
from worker.protocol.tasks import EvaluateTask, PredictTask


class InferenceJobs:
    """Makes tasks of one model, which has its initial weights."""

    def __init__(self, jobs: Jobs, definition: dict[str, Any]) -> None:
        self._jobs, self._definition = jobs, definition
        built = start(jobs.build(definition))
        built.finish()
        self._weights = jobs.keep(built.folder / "model.safetensors")
        file = built.folder / "model.keras"
        self.file = jobs.keep(file) if file.exists() else None

    def model(self) -> Any:
        """The model, loaded by plain Keras."""
        assert self.file is not None, "a .keras file cannot express this model"
        return keras.models.load_model(self.file)

    def weights(self) -> Arrays:
        """The weights of the model by name."""
        loaded: Arrays = load_file(self._weights)
        return loaded

    def predict(self, columns: Mapping[str, Any], **fields: Any) -> PredictTask:
        values = {
            "preparation": Preparation(),
            "keep": [],
            "dataset": "dataset_00000000000000000000000000",
            "name": None,
            "parts": [],
            "done": 0,
        }
        return self._make(PredictTask, columns, {**values, **fields})

    def evaluate(self, columns: Mapping[str, Any], **fields: Any) -> EvaluateTask:
        return self._make(EvaluateTask, columns, {"checkpoint": None, **fields})

    def _make(self, kind: Any, columns: Mapping[str, Any], fields: dict[str, Any]) -> Any:
        common = vars(self._jobs.build(self._definition)) | {"initial_weights": self._weights}
        common.pop("leased_at")
        inputs = [item["name"] for item in self._definition["inputs"]]
        outputs = {
            item if isinstance(item, str) else item["name"]: OutputRecipe()
            for item in self._definition["outputs"]
        }
        values: dict[str, Any] = {
            **common,
            "recipe": Recipe(
                optimizer="rmsprop",
                jit_compile=False,
                inputs={name: [name] for name in inputs},
                outputs=outputs,
            ),
            "columns": self._jobs.columns(columns),
            "fills": {},
            "batch_size": 32,
            "checkpoint_seconds": 600.0,
        }
        return kind(**values | fields)


def finish(attempt: Attempt) -> Any:
    """Waits for the outcome of an attempt that succeeds."""
    last = attempt.end()
    assert isinstance(last, Finished), last
    return last.outcome


def run(task: EvaluateTask | PredictTask) -> Any:
    """Runs a task to its end; returns its outcome."""
    return finish(start(task))


def open_columns(made: Predicted, folder: Path) -> dict[str, StoredColumn]:
    """Opens the columns of a new dataset."""
    return {
        column.name: open_column(
            column.dtype,
            column.shape,
            {part: _find_file(folder, index, part, kept) for part, kept in column.parts.items()},
        )
        for index, column in enumerate(made.dataset.columns)
    }


def _find_file(folder: Path, index: int, part: str, kept: ColumnPart) -> ArrayFile:
    """Finds an array, which may share its file with others."""
    if kept.place is not None:
        return ArrayFile(folder / kept.place.file, kept.place.offset)
    return ArrayFile(folder / make_file_name(index, part))


def read_rows(column: StoredColumn) -> Sequence[Any]:
    """All rows of a column as Python values."""
    return column.read(0, len(column)).to_list()


def metrics_of(outcome: Evaluated) -> dict[str, Any]:
    return dict(outcome.metrics)
