"""The start and the idle memory of `graphfit serve`, against a bare `import keras`.

One round measures both sides. Ours is the time from the start of the process until it prints that
it is ready (`/readyz` answers 200), once on an empty data folder and once on a migrated one. Theirs
is the time of a whole `python -c "import keras"`. The ratio of the medians counts; the goal is 1.3.

Memory is the sum of proportional set sizes (PSS) of all processes of the idle service, against the
PSS of a process that has imported Keras and sleeps; the goal is 1.4. A page that other processes
map as well counts only in part, so no other process may have TensorFlow loaded: the number of such
processes is printed and should be 0.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from benchmarks.table import show

START_GOAL, MEMORY_GOAL = 1.3, 1.4
ROOT = Path(__file__).parents[1]
IMPORT = "import keras"
SLEEP = "import keras, time; print('imported', flush=True); time.sleep(600)"
READY = ("ready: ", "worker INFO ready")
"""What `graphfit serve` prints when the API is ready, and its worker when it takes jobs."""
SETTLE_SECONDS = 5


def make_environment() -> dict[str, str]:
    """Return our environment, with bytecode kept and TensorFlow as Keras's backend."""
    kept = {name: os.environ[name] for name in os.environ if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}


def measure_import() -> float:
    """Return the seconds of a whole `python -c "import keras"`."""
    began = time.perf_counter()
    command = [sys.executable, "-c", IMPORT]
    subprocess.run(command, check=True, capture_output=True, env=make_environment())
    return time.perf_counter() - began


@contextmanager
def started(command: list[str], marks: Iterable[str]) -> Iterator[tuple[psutil.Process, float]]:
    """Start a process; yield it, and the seconds until it had printed every mark."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=make_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        missing = set(marks)
        while missing:
            line = process.stdout.readline()
            assert line, f"the process ended with status {process.wait()}"
            missing -= {mark for mark in missing if mark in line}
        yield psutil.Process(process.pid), time.perf_counter() - began
    finally:
        process.terminate()
        process.communicate()


def serve_command(folder: Path) -> list[str]:
    """Return the command line of a service."""
    return ["-m", "cli.main", "serve", "--port", "0", "--data", str(folder)]


def measure_start(folder: Path) -> float:
    """Return the seconds until `graphfit serve` prints that it is ready."""
    with started(serve_command(folder), READY[:1]) as (_, seconds):
        return seconds


def sum_pss(top: psutil.Process) -> float:
    """Return the memory of a process and its descendants, in MiB."""
    family = [top, *top.children(recursive=True)]
    return sum(process.memory_full_info().pss for process in family) / 2**20


def measure_idle_memory(folder: Path) -> float:
    """Return the memory of a service that has been ready for some seconds, in MiB."""
    with started(serve_command(folder), READY) as (process, _):
        time.sleep(SETTLE_SECONDS)
        return sum_pss(process)


def measure_keras_memory() -> float:
    """Return the memory of a process that has imported Keras, in MiB."""
    with started(["-c", SLEEP], ["imported"]) as (process, _):
        return sum_pss(process)


def count_other_tensorflow_processes() -> int:
    """Return how many processes have loaded TensorFlow."""
    return sum(map(_holds_tensorflow, psutil.process_iter()))


def _holds_tensorflow(process: psutil.Process) -> bool:
    with suppress(psutil.Error):  # the process ended, or belongs to another user
        return any("libtensorflow" in library.path for library in process.memory_maps())
    return False


def main(rounds: int = 7) -> None:
    """Print the table and one line of JSON."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure_import()  # the first runs read from a cold disk and do not count
        measure_start(folder / "migrated")
        times = [
            (
                measure_import(),
                measure_start(folder / str(number)),
                measure_start(folder / "migrated"),
            )
            for number in range(rounds)
        ]
        others = count_other_tensorflow_processes()
        ours, theirs = measure_idle_memory(folder / "migrated"), measure_keras_memory()
    bare, empty, migrated = (statistics.median(side) for side in zip(*times, strict=True))
    show(
        "graphfit serve against import keras",
        [
            ("import keras, seconds", bare),
            ("ready on an empty folder, seconds", empty),
            ("ready on a migrated folder, seconds", migrated),
            ("import keras, MiB (PSS)", theirs),
            ("idle service, MiB (PSS)", ours),
            ("other processes with TensorFlow", others),
        ],
    )
    result = {
        "start": round(empty / bare, 2),
        "start_migrated": round(migrated / bare, 2),
        "start_goal": START_GOAL,
        "memory": round(ours / theirs, 2),
        "memory_goal": MEMORY_GOAL,
    }
    print(json.dumps({"serve_start": result}))


if __name__ == "__main__":
    main()
