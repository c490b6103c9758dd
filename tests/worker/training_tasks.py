"""Tasks for small jobs, and a training process that runs one as the supervisor does."""

import json
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from domain.graph.language import Blueprint
from domain.graph.summary import Bytes, Parameters, Summary, Tensor
from domain.job.outcome import ModelMade
from domain.job.recipe import Fit, OutputRecipe, Recipe
from models_store.datasets.columns.file import ColumnFile
from models_store.datasets.columns.writer import NumberWriter, TextWriter
from tests.worker.child import context
from worker.protocol.messages import Checkpointed, EpochEnded, Failed, Finished, FromChild
from worker.protocol.tasks import BuildTask, ColumnFiles, Task, TrainTask
from worker.settings import Settings
from worker.training.main import run

Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass
class Attempt:
    """A training process and the messages that it has sent so far."""

    process: BaseProcess
    connection: Connection
    folder: Path
    messages: list[FromChild] = field(default_factory=list)

    def until(self, wanted: Callable[[FromChild], bool]) -> FromChild:
        """Receives messages up to the first one that is wanted.

        Raises:
            EOFError: the process ended without one.
        """
        while True:
            message: FromChild = self.connection.recv()
            self.messages.append(message)
            if wanted(message):
                return message

    def end(self) -> Finished | Failed:
        """Receives the last message and waits for the process."""
        last = self.until(lambda message: isinstance(message, Finished | Failed))
        self.process.join(30)
        assert isinstance(last, Finished | Failed)
        return last

    def finish(self) -> ModelMade:
        """Waits for the outcome of an attempt that succeeds."""
        last = self.end()
        assert isinstance(last, Finished), last
        assert isinstance(last.outcome, ModelMade)
        return last.outcome

    def kill(self) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()

    def weights(self) -> Arrays:
        loaded: Arrays = load_file(self.folder / "model.safetensors")
        return loaded

    def metrics(self) -> list[Mapping[str, float]]:
        epochs = json.loads((self.folder / "history.json").read_text())["epochs"]
        return [epoch["metrics"] for epoch in epochs]


def start(task: Task, target: Callable[..., None] = run) -> Attempt:
    """Starts a process that runs the task.

    Args:
        target: Called in the process with the task and its end of the pipe.
    """
    ours, its = context.Pipe()
    process = context.Process(target=target, args=(task, its))
    process.start()
    its.close()
    return Attempt(process, ours, task.folder)


def checkpointed(
    attempt: Attempt, at_least: int, kind: type[EpochEnded | Checkpointed] = EpochEnded
) -> Path:
    """The file of the first checkpoint of this kind after at least so many epochs."""

    def saved(message: FromChild) -> bool:
        return (
            isinstance(message, kind)
            and message.checkpoint is not None
            and message.epoch >= at_least
        )

    message = attempt.until(saved)
    assert isinstance(message, EpochEnded | Checkpointed)
    assert message.checkpoint is not None
    return attempt.folder / message.checkpoint.name


class Jobs:
    """Makes tasks whose columns and folders lie in one folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._attempts = 0

    def train(
        self,
        definition: dict[str, Any],
        columns: Mapping[str, Any],
        recipe: Recipe,
        fit: Fit | None = None,
        **fields: Any,
    ) -> TrainTask:
        values: dict[str, Any] = {
            **self._common(definition),
            "recipe": recipe,
            "fit": fit or Fit(),
            "columns": self.columns(columns),
            "validation_columns": None,
            "checkpoint": None,
            "checkpoint_seconds": Settings().checkpoint_seconds,
        }
        return TrainTask(**values | fields)

    def build(self, definition: dict[str, Any], **fields: Any) -> BuildTask:
        return BuildTask(**self._common(definition) | fields)

    def _common(self, definition: dict[str, Any]) -> dict[str, Any]:
        blueprint = Blueprint.model_validate({"definition": definition})
        return {
            "job": "job_00000000000000000000000000",
            "blueprint": blueprint,
            "graph_place": "/graph",
            "summary": summary_of(blueprint),
            "seed": 7,
            "deterministic": True,
            "folder": self.folder(),
            "lease_seconds": 600.0,
            "threads": None,
            "device": "any",
            "devices": 1,
            "mixed_precision": False,
            "memory_bytes": 0,
            "source_weights": {},
            "initial_weights": None,
        }

    def folder(self) -> Path:
        self._attempts += 1
        path = self._root / f"attempt-{self._attempts}"
        path.mkdir()
        return path

    def columns(self, columns: Mapping[str, Any]) -> dict[str, ColumnFiles]:
        """Writes arrays as columns, and lists as columns of text or of rows of any length."""
        folder = self.folder()
        return {
            name: write_column(folder / f"{number}.npy", values)
            for number, (name, values) in enumerate(columns.items())
        }

    def keep(self, file: Path) -> Path:
        """Copies a file, so that it outlives its attempt."""
        return Path(shutil.copy(file, self.folder()))


def write_column(path: Path, values: Any) -> ColumnFiles:
    """Writes a column.

    Args:
        path: The file of the values.
        values: An array; a list of texts, or of None; or a list of arrays of any length.
    """
    if isinstance(values, np.ndarray):
        np.save(path, values)
        return ColumnFiles(values.dtype.name, values.shape[1:], {"values": path})
    is_text = any(isinstance(value, str) for value in values)
    file = _write_texts(path, values) if is_text else _write_rows(path, values)
    return ColumnFiles(file.column.dtype, tuple(file.column.shape), file.files)


def _write_texts(path: Path, texts: list[str | None]) -> ColumnFile:
    writer = TextWriter(path)
    writer.append_texts(texts)
    return writer.finish("texts", ())


def _write_rows(path: Path, rows: list[Any]) -> ColumnFile:
    first = np.asarray(next(row for row in rows if row is not None))
    writer = NumberWriter(path, first.dtype)
    if first.ndim == 0:
        missing = np.array([row is None for row in rows])
        writer.append(np.array([row or 0 for row in rows], first.dtype), missing)
        return writer.finish("numbers", ())
    writer.append_lengths(np.array([len(row) for row in rows]))
    writer.append(np.concatenate(rows))
    return writer.finish("rows", (None, *first.shape[1:]))


def summary_of(blueprint: Blueprint) -> Summary:
    """A summary with the fields that the training process reads."""
    inputs = [
        Tensor(name=item.name, shape=[None, *item.shape], dtype=item.dtype)
        for item in blueprint.definition.inputs
    ]
    none = Parameters(total=0, trainable=0, non_trainable=0)
    return Summary(
        inputs=inputs,
        outputs=[],
        nodes=[],
        parameters=none,
        bytes=Bytes(weights=0, activations_per_row=0),
    )


def node(name: str, layer: str, inputs: Any, **config: Any) -> dict[str, Any]:
    return {"name": name, "layer": {"type": layer, "config": config}, "inputs": inputs}


DENSE = {
    "inputs": [{"name": "x", "shape": [64]}],
    "nodes": [
        node("hidden", "Dense", "x", units=64, activation="relu"),
        node("dropped", "Dropout", "hidden", rate=0.2),
        node("y", "Dense", "dropped", units=10, activation="softmax"),
    ],
    "outputs": ["y"],
}


PLAIN: dict[str, Any] = {
    "inputs": [{"name": "x", "shape": [64]}],
    "nodes": [
        node("hidden", "Dense", "x", units=32, activation="tanh"),
        node("y", "Dense", "hidden", units=10, activation="softmax"),
    ],
    "outputs": ["y"],
}


def dense_columns(rows: int = 400) -> Arrays:
    random = np.random.default_rng(0)
    return {"x": random.random((rows, 64)), "y": np.eye(10)[random.integers(0, 10, rows)]}


WORDS = {
    "inputs": [{"name": "x", "shape": [12], "dtype": "int32"}],
    "nodes": [
        node("words", "Embedding", "x", input_dim=50, output_dim=16),
        node("noisy", "GaussianNoise", "words", stddev=0.1),
        node("encoded", "LSTM", "noisy", units=16, dropout=0.1),
        node("normal", "BatchNormalization", "encoded"),
        node("dropped", "Dropout", "normal", rate=0.3),
        node("y", "Dense", "dropped", units=1, activation="sigmoid"),
    ],
    "outputs": ["y"],
}


def words_columns(rows: int = 600) -> Arrays:
    random = np.random.default_rng(0)
    return {"x": random.integers(0, 50, (rows, 12)), "y": random.integers(0, 2, rows)}


def recipe(
    loss: str = "categorical_crossentropy", optimizer: Any = "rmsprop", **output: Any
) -> Recipe:
    trained = OutputRecipe(**{"loss": loss, "metrics": ["accuracy"], "target": "y", **output})
    return Recipe(
        optimizer=optimizer, jit_compile=False, inputs={"x": ["x"]}, outputs={"y": trained}
    )
