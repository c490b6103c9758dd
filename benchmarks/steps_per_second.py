"""Training steps a second: the training process against plain `model.fit`.

All sides train the same model on the same rows, each time in a new process, and alternate: the
training process with op determinism and without, and plain `fit` without. Plain `fit` uses the
defaults: TensorFlow's threads, and one step in each execution. The first epoch, in which functions
are traced, does not count. The ratios of the medians count.
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

from benchmarks import networks
from benchmarks.networks import Network
from benchmarks.table import show
from domain.graph.language import Blueprint
from domain.graph.summary import Bytes, Parameters, Summary, Tensor
from domain.job.recipe import Fit, OutputRecipe, Recipe
from worker.protocol.messages import EpochEnded, Failed, Finished
from worker.protocol.tasks import ColumnFiles, TrainTask
from worker.settings import Settings
from worker.supervisor.launch import launch, warm_up

ROUNDS = 3
OPTIMIZER = "rmsprop"


@dataclass(frozen=True)
class Race:
    """A network and its training."""

    network: Network
    rows: int
    batch_size: int = 32
    epochs: int = 4
    goal: float | None = None
    """The ratio to plain `fit` that is to be reached with op determinism."""
    loose_goal: float | None = None
    """The same without op determinism."""

    @property
    def name(self) -> str:
        """The network and the batch size."""
        return f"{self.network.name}, batches of {self.batch_size}"


RACES = (
    Race(networks.DENSE, 20_000, 32, goal=4.0),
    Race(networks.DENSE, 40_000, 128, goal=3.0),
    Race(networks.TABULAR, 20_000, 32, goal=3.5),
    Race(networks.TABULAR, 40_000, 128),
    Race(networks.CONVOLUTIONAL, 4_000, 32),
    Race(networks.CONVOLUTIONAL, 6_000, 64, goal=1.5),
    Race(networks.CONVOLUTIONAL, 8_000, 128),
    Race(networks.TRANSFORMER, 4_000, 32, goal=1.4),
    Race(networks.TRANSFORMER, 8_000, 128),
    Race(networks.EMBEDDED_LSTM, 4_000, 32, goal=1.3, loose_goal=1.5),
    Race(networks.EMBEDDED_LSTM, 8_000, 128),
    Race(networks.SHARED_LSTM, 960, 32, goal=1.1, loose_goal=1.5),
    Race(networks.SHARED_LSTM, 1_920, 128),
)

SCRIPT = """
import sys, time
from pathlib import Path
import numpy as np, keras
from compiler.model.build import build
from domain.graph.language import Blueprint

keras.utils.set_random_seed(7)
folder, loss, optimizer = Path(sys.argv[1]), *sys.argv[2:4]
epochs, batch_size = map(int, sys.argv[4:])
made = build(Blueprint.model_validate_json((folder / "blueprint.json").read_text()), seed=7)
(output,) = made.model.output_names
columns = {path.stem: np.load(path) for path in folder.glob("*.npy")}
y = {output: columns.pop(output)}
made.model.compile(optimizer, {output: loss}, metrics={output: ["accuracy"]})


class Clock(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        print(time.perf_counter() - self.began)


made.model.fit(columns, y, batch_size=batch_size, epochs=epochs, verbose=0, callbacks=[Clock()])
"""


def write_inputs(race: Race, folder: Path) -> dict[str, Path]:
    """Write the blueprint, and random rows as one file for each column; return their paths."""
    (folder / "blueprint.json").write_text(_make_blueprint(race).model_dump_json(by_alias=True))
    arrays = race.network.draw(np.random.default_rng(1), race.rows)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    return {name: folder / f"{name}.npy" for name in arrays}


def _make_blueprint(race: Race) -> Blueprint:
    return Blueprint.model_validate({"definition": race.network.definition})


def make_task(
    race: Race, files: dict[str, Path], folder: Path, *, deterministic: bool = True
) -> TrainTask:
    """Make the task as the supervisor would send it."""
    blueprint = _make_blueprint(race)
    definition = blueprint.definition
    inputs = [Tensor(name=x.name, shape=[None, *x.shape], dtype=x.dtype) for x in definition.inputs]
    output = definition.named_outputs()[0][0]
    trained = OutputRecipe(loss=race.network.loss, metrics=["accuracy"], target=output)
    return TrainTask(
        job=race.name,
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
        deterministic=deterministic,
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
            optimizer=OPTIMIZER,
            jit_compile=False,
            inputs={x.name: [x.name] for x in inputs},
            outputs={output: trained},
        ),
        fit=Fit(epochs=race.epochs, batch_size=race.batch_size),
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


def measure_worker(race: Race, files: dict[str, Path], *, deterministic: bool) -> float:
    """Return the steps a second of the training process."""
    with tempfile.TemporaryDirectory() as folder:
        task = make_task(race, files, Path(folder), deterministic=deterministic)
        process, connection = launch(task)
        messages = read_messages(connection)
        seconds = [m.seconds for m in messages if isinstance(m, EpochEnded)]
        process.join()
    return rate_of(race, seconds)


def measure_keras(race: Race, folder: Path) -> float:
    """Return the steps a second of plain `model.fit`."""
    numbers = [str(race.epochs), str(race.batch_size)]
    arguments = [str(folder), race.network.loss, OPTIMIZER, *numbers]
    command = [sys.executable, "-c", SCRIPT, *arguments]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return rate_of(race, [float(line) for line in run.stdout.split()])


def rate_of(race: Race, seconds: list[float]) -> float:
    """Return the steps a second, from the seconds of each epoch; the first does not count."""
    steps = -(-race.rows // race.batch_size)
    return steps / statistics.median(seconds[1:])


def run(race: Race) -> dict[str, float | None]:
    """Print the medians of some alternating rounds, and return the ratios and their goals."""
    rounds: list[tuple[float, float, float]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = write_inputs(race, folder)
        for _ in range(ROUNDS):
            exact = measure_worker(race, files, deterministic=True)
            loose = measure_worker(race, files, deterministic=False)
            rounds.append((exact, loose, measure_keras(race, folder)))
    exact, loose, plain = (statistics.median(side) for side in zip(*rounds, strict=True))
    rows = [
        ("plain model.fit", plain),
        ("training process, deterministic", exact),
        ("ratio", exact / plain),
        ("training process, not deterministic", loose),
        ("ratio, not deterministic", loose / plain),
    ]
    show(f"steps a second, {race.name}", rows)
    return {
        "ratio": round(exact / plain, 3),
        "goal": race.goal,
        "loose_ratio": round(loose / plain, 3),
        "loose_goal": race.loose_goal,
    }


def main() -> None:
    """Print a table for each race, then the ratios as JSON."""
    warm_up()
    print(json.dumps({"steps_per_second": {race.name: run(race) for race in RACES}}))


if __name__ == "__main__":
    main()
