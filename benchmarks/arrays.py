"""Reading arrays into a dataset: many columns beside few, and one array beside a copy of its file.

Each side is the ingestion of a file: its columns are hashed, described and synced to the disk. The
goals are that 2,000 columns in one `.npz` take at most 3 times as long as 20 columns of the same
bytes, and that an array takes at most twice as long as a copy of its file that is synced.
"""

import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.file_copy import copy_and_sync
from benchmarks.table import show
from models_store.datasets.ingest import ingest
from models_store.files.local import LocalArtifacts
from models_store.files.store import ArtifactStore
from models_store.ids import new_id

GOALS = {"many_to_few": 3, "npy_to_copy": 0.5, "npz_to_copy": 0.5}
MEGABYTE = 2**20
ROW = 64
"""Values of a row."""
FEW, MANY = 20, 2_000


def make_archive(columns: int, size: int) -> bytes:
    rows = max(1, size // (columns * ROW * 4))
    random = np.random.default_rng(7)
    file = io.BytesIO()
    arrays = {f"x{i}": random.random((rows, ROW), np.float32) for i in range(columns)}
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def make_files(folder: Path, size: int) -> dict[str, Path]:
    """Write one array of pixels, and one of numbers, in both formats."""
    random = np.random.default_rng(7)
    arrays: dict[str, Any] = {
        "pixels": random.integers(0, 256, (size // 784, 28, 28), np.uint8),
        "numbers": random.random((size // (4 * ROW), ROW), np.float32),
    }
    files = {}
    for name, array in arrays.items():
        for form, save in (("npy", np.save), ("npz", np.savez)):
            files[f"{form} of {name}"] = folder / f"{name}.{form}"
            with files[f"{form} of {name}"].open("wb") as file:
                save(file, array)
    return files


def read_file(store: ArtifactStore, path: Path) -> None:
    media_type = f"application/x-{path.suffix[1:]}"
    with path.open("rb", buffering=0) as body:
        ingest(store, new_id("dataset"), media_type, body, 1 << 40)


def read_bytes(store: ArtifactStore, raw: bytes) -> None:
    body = io.BytesIO(raw)
    ingest(store, new_id("dataset"), "application/x-npz", body, 1 << 40)


def measure(sides: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Return the median of the seconds of each side, which take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, run in sides.items():
            began = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(found) for name, found in seconds.items()}


def main(megabytes: int = 256, rounds: int = 3) -> None:
    """Print the table and one line of JSON."""
    size = megabytes * MEGABYTE
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        store = LocalArtifacts(folder / "store")
        few, many = (make_archive(columns, size // 4) for columns in (FEW, MANY))
        files = make_files(folder, size)
        found = measure(
            {
                "copy": partial(copy_and_sync, files["npy of pixels"], folder),
                **{name: partial(read_file, store, path) for name, path in files.items()},
                f"{FEW} columns": partial(read_bytes, store, few),
                f"{MANY} columns": partial(read_bytes, store, many),
            },
            rounds,
        )
    result = {
        "many_to_few": round(found[f"{MANY} columns"] / found[f"{FEW} columns"], 2),
        **{
            f"{form}_to_copy": round(
                found["copy"] / max(found[f"{form} of {name}"] for name in ("pixels", "numbers")), 2
            )
            for form in ("npy", "npz")
        },
    }
    show(f"Arrays of {megabytes} MiB", [*((f"{k}, s", v) for k, v in found.items())])
    print(json.dumps({"arrays": {**result, "goals": GOALS}}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
