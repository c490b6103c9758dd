"""Reading a table of mixed columns, against pyarrow's own reader of the same file.

Ours reads the body as a stream into the files of a dataset, with statistics of every column; the
yardstick only parses it into memory. CSV is read by `pyarrow.csv.open_csv`, which streams, and
Parquet by `pyarrow.parquet.read_table`. The memory is what the process of the reader has more at
its peak than before, beside pages of files. The goals are at most 1.5 times the yardstick's time
for CSV and twice for Parquet.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from benchmarks.table import show
from domain.formats.read_options import DEFAULT_OPTIONS
from models_store.datasets.formats.registry import FORMATS

GOALS = {"csv": 1.5, "parquet": 2.0}
MEDIA_TYPES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
ROWS = 1_000_000
MEMORY = """
import sys, threading
from pathlib import Path
import psutil
import benchmarks.tables as tables
own = psutil.Process().memory_full_info
tables.read_ours(Path(sys.argv[2]), sys.argv[1])
before, most, ended = own().uss, 0, threading.Event()
def watch():
    global most
    while not ended.wait(0.02):
        info = own()
        most = max(most, info.rss - info.shared)
thread = threading.Thread(target=watch); thread.start()
tables.read_ours(Path(sys.argv[2]), sys.argv[1])
ended.set(); thread.join()
print(max(0, most - before))
"""


def make_table(rows: int) -> pa.Table:
    """Return twenty columns: numbers, booleans and texts, of which some are missing."""
    random = np.random.default_rng(15)
    words = np.array([f"word {i}" for i in range(200)])
    columns: dict[str, object] = {f"normal_{i}": random.normal(size=rows) for i in range(5)}
    columns |= {f"price_{i}": random.integers(0, 10**5, rows) / 100 for i in range(3)}
    columns |= {f"age_{i}": random.integers(0, 100, rows) for i in range(4)}
    columns |= {f"id_{i}": random.permutation(rows) for i in range(2)}
    columns |= {f"flag_{i}": random.random(rows) < 0.5 for i in range(2)}
    columns |= {f"word_{i}": words[random.integers(0, 200, rows)] for i in range(2)}
    columns["name"] = [f"name {i}" for i in random.integers(0, 10**6, rows)]
    columns["gaps"] = pa.array(random.integers(0, 50, rows), mask=random.random(rows) < 0.1)
    return pa.table(columns)


def read_ours(path: Path, form: str) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder, path.open("rb") as source:
        known = FORMATS[MEDIA_TYPES[form]]
        known.read(source, Path(folder), 1 << 40, DEFAULT_OPTIONS)


def read_yardstick(path: Path, form: str) -> None:
    if form == "parquet":
        parquet.read_table(path)
        return
    with csv.open_csv(path) as reader:
        for _ in reader:
            pass


def measure_seconds(read: Callable[[Path, str], None], path: Path, form: str) -> float:
    began = time.perf_counter()
    read(path, form)
    return time.perf_counter() - began


def measure_memory(path: Path, form: str) -> float:
    """Return the MiB that a process needs to read the file beside pages of files."""
    command = [sys.executable, "-c", MEMORY, form, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout) / 2**20


def compare(path: Path, form: str, rounds: int) -> tuple[float, float]:
    """Return the seconds of both sides."""
    pairs = [
        [measure_seconds(read, path, form) for read in (read_ours, read_yardstick)]
        for _ in range(rounds)
    ]
    ours, yardstick = (statistics.median(side) for side in zip(*pairs, strict=True))
    return ours, yardstick


def main(rows: int = ROWS, rounds: int = 3) -> None:
    """Print the table and one line of JSON."""
    result: dict[str, object] = {"goals": GOALS}
    lines: list[tuple[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        table = make_table(rows)
        paths = {form: Path(folder) / f"table.{form}" for form in GOALS}
        csv.write_csv(table, paths["csv"])
        parquet.write_table(table, paths["parquet"])
        for form, path in paths.items():
            ours, yardstick = compare(path, form, rounds)
            memory = measure_memory(path, form)
            lines += [(f"{form}: s", ours), ("    pyarrow, s", yardstick)]
            lines += [("    time, ratio", ours / yardstick), ("    memory, MiB", memory)]
            result[form] = {"time": round(ours / yardstick, 2), "memory": round(memory)}
    show(f"Tables of {rows:,} rows and 20 columns", lines)
    print(json.dumps({"tables": result}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
