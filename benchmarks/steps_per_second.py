"""Training steps a second: the training process against plain `model.fit`.

Both sides train the same model on the same rows with op determinism, each time in a new process,
and alternate. The first epoch, in which functions are traced, does not count. Plain `fit` uses the
defaults: TensorFlow's threads, and one step in each execution. The ratio of the medians counts; the
goals are 2.5 for the dense net and 1.2 for the shared LSTM.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.table import show
from domain.graph.language import Blueprint
from domain.graph.summary import Bytes, Parameters, Summary, Tensor
from domain.job.recipe import Fit, OutputRecipe, Recipe
from worker.protocol.messages import EpochEnded, Failed, Finished
from worker.protocol.tasks import ColumnFiles, TrainTask
from worker.settings import Settings
from worker.supervisor.launch import launch, warm_up

EXAMPLES = Path(__file__).parents[1] / "openapi" / "examples"
BATCH_SIZE = 32
ROUNDS = 3


@dataclass(frozen=True)
class Race:
    """A model, its training, and the ratio to plain `fit` that is the goal."""

    example: str
    rows: int
    epochs: int
    loss: str
    goal: float


RACES = (
    Race("dense", rows=20_000, epochs=4, loss="categorical_crossentropy", goal=2.5),
    Race("shared_lstm", rows=1_280, epochs=4, loss="binary_crossentropy", goal=1.2),
)

SCRIPT = """
import sys, time
import numpy as np, keras, tensorflow as tf
from keras import layers

tf.config.experimental.enable_op_determinism()
keras.utils.set_random_seed(7)
folder, model_name = sys.argv[1:3]
epochs, batch_size = map(int, sys.argv[3:])
load = lambda name: np.load(f"{folder}/{name}.npy")
if model_name == "dense":
    inputs = [keras.Input((784,))]
    x = layers.Dense(64, activation="relu")(inputs[0])
    x = layers.Dense(64, activation="relu")(x)
    model = keras.Model(inputs, layers.Dense(10, activation="softmax")(x))
    loss, x, y = "categorical_crossentropy", [load("picture")], load("digit")
else:
    inputs = [keras.Input((140, 256)), keras.Input((140, 256))]
    lstm = layers.LSTM(64)
    merged = layers.Concatenate()([lstm(each) for each in inputs])
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(merged))
    loss, x, y = "binary_crossentropy", [load("tweet_a"), load("tweet_b")], load("predictions")
model.compile("rmsprop", loss, metrics=["accuracy"])


class Clock(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        print(time.perf_counter() - self.began)


model.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0, callbacks=[Clock()])
"""


def save_columns(race: Race, folder: Path) -> dict[str, Path]:
    """Write random rows for a model, one file for each column, and return the paths."""
    draw, rows = np.random.default_rng(1), race.rows
    if race.example == "dense":
        digits = np.eye(10, dtype="float32")[draw.integers(0, 10, rows)]
        arrays = {"picture": draw.random((rows, 784), dtype="float32"), "digit": digits}
    else:
        tweets = draw.random((2, rows, 140, 256), dtype="float32")
        label = draw.integers(0, 2, (rows, 1)).astype("float32")
        arrays = {"tweet_a": tweets[0], "tweet_b": tweets[1], "predictions": label}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    return {name: folder / f"{name}.npy" for name in arrays}


def make_task(race: Race, files: dict[str, Path], folder: Path) -> TrainTask:
    """Make the task as the supervisor would send it."""
    document = json.loads((EXAMPLES / f"{race.example}.json").read_text())
    blueprint = Blueprint.model_validate({"definition": document["graph"]["definition"]})
    definition = blueprint.definition
    inputs = [Tensor(name=x.name, shape=[None, *x.shape], dtype=x.dtype) for x in definition.inputs]
    output = definition.named_outputs()[0][0]
    trained = OutputRecipe(loss=race.loss, metrics=["accuracy"], target=output)
    return TrainTask(
        job=race.example,
        blueprint=blueprint,
        graph_place="/graph",
        summary=Summary(
            inputs=inputs,
            outputs=[],
            nodes=[],
            parameters=Parameters(total=0, trainable=0, non_trainable=0),
            bytes=Bytes(weights=0, activations_per_row=0),
        ),
        seed=7,
        deterministic=True,
        folder=folder,
        lease_seconds=3_600,
        threads=None,
        device="any",
        devices=1,
        mixed_precision=False,
        memory_bytes=0,
        source_weights={},
        initial_weights=None,
        recipe=Recipe(
            optimizer="rmsprop",
            jit_compile=False,
            inputs={x.name: [x.name] for x in inputs},
            outputs={output: trained},
        ),
        fit=Fit(epochs=race.epochs, batch_size=BATCH_SIZE),
        columns={name: _describe_column(path) for name, path in files.items()},
        validation_columns=None,
        checkpoint=None,
        checkpoint_seconds=Settings().checkpoint_seconds,
    )


def _describe_column(path: Path) -> ColumnFiles:
    array = np.load(path, mmap_mode="r")
    return ColumnFiles(array.dtype.name, array.shape[1:], {"values": path})


def read_messages(connection: Connection) -> Iterator[Any]:
    """Yield the messages of a training process up to its success."""
    message: Any = None
    while not isinstance(message, Finished):
        message = connection.recv()
        if isinstance(message, Failed):
            raise RuntimeError(message.detail)
        yield message


def measure_worker(race: Race, files: dict[str, Path]) -> float:
    """Return the steps a second of the training process."""
    with tempfile.TemporaryDirectory() as folder:
        process, connection = launch(make_task(race, files, Path(folder)))
        messages = read_messages(connection)
        seconds = [m.seconds for m in messages if isinstance(m, EpochEnded)]
        process.join()
    return rate_of(race, seconds)


def measure_keras(race: Race, folder: Path) -> float:
    """Return the steps a second of plain `model.fit`."""
    arguments = [str(folder), race.example, str(race.epochs), str(BATCH_SIZE)]
    command = [sys.executable, "-c", SCRIPT, *arguments]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return rate_of(race, [float(line) for line in run.stdout.split()])


def rate_of(race: Race, seconds: list[float]) -> float:
    """Return the steps a second, from the seconds of each epoch; the first does not count."""
    steps = -(-race.rows // BATCH_SIZE)
    return steps / statistics.median(seconds[1:])


def run(race: Race) -> dict[str, float]:
    """Print the medians of some alternating rounds, and return their ratio and the goal."""
    with tempfile.TemporaryDirectory() as name:
        files = save_columns(race, Path(name))
        pairs = [
            (measure_worker(race, files), measure_keras(race, Path(name))) for _ in range(ROUNDS)
        ]
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    show(
        f"steps a second, {race.example}",
        [("training process", ours), ("plain model.fit", theirs), ("ratio", ours / theirs)],
    )
    return {"ratio": round(ours / theirs, 3), "goal": race.goal}


def main() -> None:
    """Print a table for each model, then the ratios as JSON."""
    warm_up()
    print(json.dumps({"steps_per_second": {race.example: run(race) for race in RACES}}))


if __name__ == "__main__":
    main()
