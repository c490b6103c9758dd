"""Training on data larger than memory: 4 GB read from disk against 40 MB held in memory.

Both trainings have the same model and batches. The large columns are memory-mapped and read ahead
of the steps. The ratio of batches a second counts, and the difference in anonymous memory, which
holds no pages of files. The goals are a ratio of 0.9 and at most 64 MB.

`python -m benchmarks.large_data 400` takes 400 MB in place of 4 GB.
"""

import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.networks import DENSE
from benchmarks.steps_per_second import Race, make_task, read_messages
from benchmarks.table import show
from models_store.datasets.columns.npy import NpyWriter
from worker.protocol.messages import EpochEnded, Stepped
from worker.supervisor.launch import launch, warm_up

BATCH_SIZE = 256
ROW_BYTES = 784 * 4
SMALL_MB = 40
LARGE_MB = 4_000
BLOCK_ROWS = 10_000


@dataclass(frozen=True)
class Measured:
    """The speed of a training, and the memory of its process."""

    batches_per_second: float
    anonymous_mb: float


@contextmanager
def written_columns(rows: int) -> Iterator[dict[str, Path]]:
    """Write random rows block by block, and give the path of each column."""
    with tempfile.TemporaryDirectory() as name:
        folder, draw = Path(name), np.random.default_rng(1)
        paths = {column: folder / f"{column}.npy" for column in ("picture", "digit")}
        writers = {column: NpyWriter(path, np.dtype("float32")) for column, path in paths.items()}
        for start in range(0, rows, BLOCK_ROWS):
            count = min(BLOCK_ROWS, rows - start)
            writers["picture"].append(draw.random((count, 784), dtype="float32"))
            writers["digit"].append(np.eye(10, dtype="float32")[draw.integers(0, 10, count)])
        writers["picture"].finish((784,))
        writers["digit"].finish((10,))
        yield paths


def measure(megabytes: int, epochs: int) -> Measured:
    """Train some epochs; the first one, in which functions are traced, does not count."""
    rows = megabytes * 1_000_000 // ROW_BYTES
    race = Race(DENSE, rows, BATCH_SIZE, epochs)
    with written_columns(rows) as files, tempfile.TemporaryDirectory() as folder:
        task = make_task(race, files, Path(folder))
        process, connection = launch(task)
        seconds: list[float] = []
        anonymous = 0.0
        for message in read_messages(connection):
            if isinstance(message, EpochEnded):
                seconds.append(message.seconds)
            if isinstance(message, Stepped | EpochEnded):
                anonymous = max(anonymous, read_anonymous_mb(process.pid))
        process.join()
    steps = -(-rows // BATCH_SIZE)
    return Measured(steps / statistics.median(seconds[1:]), anonymous)


def read_anonymous_mb(process_id: int | None) -> float:
    """Return the anonymous memory of a process."""
    lines = Path(f"/proc/{process_id}/smaps_rollup").read_text().splitlines()
    line = next(line for line in lines if line.startswith("Anonymous:"))
    return int(line.split()[1]) * 1024 / 1e6


def main() -> None:
    """Print a table, then the figures as JSON."""
    megabytes = int(sys.argv[1]) if sys.argv[1:] and sys.argv[1].isdigit() else LARGE_MB
    warm_up()
    small = measure(SMALL_MB, epochs=10)
    large = measure(megabytes, epochs=3)
    ratio = large.batches_per_second / small.batches_per_second
    grown = large.anonymous_mb - small.anonymous_mb
    show(
        f"training on {megabytes} MB",
        [
            ("batches a second, read from disk", large.batches_per_second),
            (f"batches a second, {SMALL_MB} MB in memory", small.batches_per_second),
            ("ratio", ratio),
            ("further anonymous memory, MB", grown),
        ],
    )
    figures = {"ratio": round(ratio, 3), "goal": 0.9, "further_mb": round(grown, 1), "goal_mb": 64}
    print(json.dumps({"large_data": figures}))


if __name__ == "__main__":
    main()
