"""Uploads through the service: one body, and parts of 8 MiB by tus, beside a copy of the file.

The file is an `.npz` archive. The raw upload stores its columns with their hashes, the upload by
tus stores the file itself, each part synced before it is confirmed. The yardstick copies the file
and syncs the copy. The memory is the growth of the server's anonymous memory, at its peak. The
goals are at least 0.5 of the copy's speed for the raw upload, at least 0.8 of the raw upload's
speed by tus, and at most 16 MB of memory.
"""

import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import psutil

from benchmarks.file_copy import copy_and_sync
from benchmarks.table import show
from tests.support.service import Service

PART_BYTES = 8 * 2**20
MEGABYTE = 10**6
GOALS = {"raw_to_copy": 0.5, "tus_to_raw": 0.8, "memory_megabytes": 16}
TUS = {"Tus-Resumable": "1.0.0"}
SAMPLE_SECONDS = 0.02


def write_file(path: Path, size: int) -> None:
    rows = size // (64 * 8)
    with path.open("wb") as file:
        np.savez(file, x=np.random.default_rng(7).random((rows, 64)))


def upload_raw(client: httpx.Client, file: Path) -> None:
    headers = {"Content-Type": "application/x-npz", "Content-Length": str(file.stat().st_size)}
    with file.open("rb") as body:
        answer = client.post("/v1/datasets", content=body, headers=headers)
    assert answer.status_code == 201, answer.text
    client.delete(answer.headers["location"])


def upload_in_parts(client: httpx.Client, file: Path) -> None:
    size = file.stat().st_size
    answer = client.post("/v1/uploads", headers={**TUS, "Upload-Length": str(size)})
    address = answer.headers["location"]
    part = {**TUS, "Content-Type": "application/offset+octet-stream"}
    with file.open("rb") as body:
        for offset in range(0, size, PART_BYTES):
            headers = {**part, "Upload-Offset": str(offset)}
            answer = client.patch(address, content=body.read(PART_BYTES), headers=headers)
            assert answer.status_code == 204, answer.text
    client.delete(address, headers=TUS)


def measure_seconds(run: Callable[[], None]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


@contextmanager
def watch_memory(process: psutil.Process) -> Iterator[list[int]]:
    """Yields a list whose last item is the growth of the memory in bytes, at its peak."""
    before, peaks, over = read_anonymous(process), [0], threading.Event()

    def sample() -> None:
        while not over.wait(SAMPLE_SECONDS):
            peaks.append(max(peaks[-1], read_anonymous(process) - before))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield peaks
    finally:
        over.set()
        thread.join()


def read_anonymous(process: psutil.Process) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("RssAnon:"))
    return int(line.split()[1]) * 1024


def main(megabytes: int = 1_000, rounds: int = 3) -> None:
    """Print the table and one line of JSON."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        file = folder / "data.npz"
        write_file(file, megabytes * MEGABYTE)
        service = Service(folder / "service")
        try:
            sides: dict[str, Callable[[], None]] = {
                "copy": lambda: copy_and_sync(file, folder),
                "raw": lambda: upload_raw(service.client, file),
                "tus": lambda: upload_in_parts(service.client, file),
            }
            service.client.timeout = httpx.Timeout(600)
            for side in sides.values():
                side()  # the first run allocates what stays
            seconds: dict[str, list[float]] = {side: [] for side in sides}
            with watch_memory(service.part("api")) as peaks:
                for _ in range(rounds):
                    for name, side in sides.items():
                        seconds[name].append(measure_seconds(side))
        finally:
            service.stop()
    middle = {name: statistics.median(found) for name, found in seconds.items()}
    result = {
        "raw_to_copy": round(middle["copy"] / middle["raw"], 2),
        "tus_to_raw": round(middle["raw"] / middle["tus"], 2),
        "memory_megabytes": round(peaks[-1] / MEGABYTE, 1),
    }
    rows = [(f"{name}, MB/s", megabytes / found) for name, found in middle.items()]
    show(f"Uploads of {megabytes} MB", [*rows, *result.items()])
    print(json.dumps({"uploads": {**result, "goals": GOALS}}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
