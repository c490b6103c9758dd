"""Reading the columns of a JSON dataset, against orjson and NumPy on the same text.

Each side turns the text in memory into arrays: ours into the `.npy` files of a dataset, with every
value checked, the yardstick by `orjson.loads` and `numpy.asarray`. The memory is the peak of the
allocations of Python and NumPy beyond the text, divided by the bytes of the arrays. The goals are
at least 0.6 of the yardstick's speed, and at most 1.3 times the arrays.
"""

import io
import json
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from benchmarks.table import show
from models_store.datasets.formats.json import columns as json_columns

GOALS = {"speed": 0.6, "memory": 1.3}
Arrays = dict[str, np.ndarray[Any, Any]]


def make_datasets() -> dict[str, Arrays]:
    """Return data sets of several shapes, each of a million values or more.

    The reader holds about 4 MiB beside the arrays, whatever their size.
    """
    random = np.random.default_rng(7)
    return {
        "100,000 rows of 10 floats": {"x": random.random((100_000, 10))},
        "a million floats": {"x": random.random(1_000_000)},
        "a million integers": {"x": random.integers(-(10**6), 10**6, 1_000_000)},
        "1,300 pictures of 28 by 28": {"x": random.integers(0, 256, (1_300, 28, 28))},
        "8 rows of 125,000 floats": {"x": random.random((8, 125_000))},
        "4 million booleans": {"x": random.random(4_000_000) < 0.5},
        "100 columns of 10,000 floats": {f"x{i}": random.random(10_000) for i in range(100)},
    }


def read_ours(text: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        json_columns.read(io.BytesIO(text), Path(folder), limit=1 << 40)


def read_yardstick(text: bytes) -> list[Any]:
    return [np.asarray(rows) for rows in orjson.loads(text)["columns"].values()]


def measure_seconds(read: Callable[[bytes], object], text: bytes) -> float:
    began = time.perf_counter()
    read(text)
    return time.perf_counter() - began


def measure_peak(read: Callable[[bytes], object], text: bytes) -> int:
    """Return the largest number of bytes that were allocated at once."""
    tracemalloc.start()
    read(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def compare(arrays: Arrays, rounds: int) -> tuple[float, float, float]:
    """Return the seconds of both sides, and our memory in relation to the arrays."""
    text = json.dumps({"columns": {name: array.tolist() for name, array in arrays.items()}})
    raw = text.encode()
    pairs = [
        [measure_seconds(read, raw) for read in (read_ours, read_yardstick)] for _ in range(rounds)
    ]
    ours, yardstick = (statistics.median(side) for side in zip(*pairs, strict=True))
    return ours, yardstick, measure_peak(read_ours, raw) / sum(a.nbytes for a in arrays.values())


def main(rounds: int = 5) -> None:
    """Print the table and one line of JSON, with the figures of the slowest shape."""
    rows, speeds, peaks = [], [], []
    for name, arrays in make_datasets().items():
        ours, yardstick, peak = compare(arrays, rounds)
        rows += [(f"{name}: ms", 1000 * ours), ("    orjson and NumPy, ms", 1000 * yardstick)]
        rows += [("    speed, ratio", yardstick / ours), ("    memory, ratio to the arrays", peak)]
        speeds.append(yardstick / ours)
        peaks.append(peak)
    show("JSON columns", rows)
    result = {"speed": round(min(speeds), 2), "memory": round(max(peaks), 2), "goals": GOALS}
    print(json.dumps({"json_columns": result}))


if __name__ == "__main__":
    main()
