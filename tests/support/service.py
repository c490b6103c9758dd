"""A service for tests: `graphfit serve` on a free port with a data folder of its own."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
import pytest

from models_store.database.engine import Database
from models_store.files.store import ArtifactStore, open_store
from models_store.settings import Settings
from tests.support.stores import settings_of

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
START_SECONDS = 120
JOB_SECONDS = 180


class Service:
    """The processes of one `graphfit serve`, and a client of it."""

    def __init__(self, data: Path, workers: int = 1, /, **settings: str) -> None:
        self.data = data
        self._workers = ["--workers", str(workers)] if workers > 1 else []
        self._settings = {"DATA": str(data), **settings}
        self.lines: list[str] = []
        self.start()

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its processes, e.g. for a further worker."""
        return os.environ | {f"GRAPHFIT_{name}": value for name, value in self._settings.items()}

    @property
    def settings(self) -> Settings:
        """The settings of its stores."""
        return settings_of(self.data, self._settings)

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Opens its database."""
        database = Database.from_settings(self.settings)
        yield database
        database.close()

    def store(self) -> ArtifactStore:
        """Opens its store of files."""
        return open_store(self.settings)

    def scratch(self) -> list[Path]:
        """The folders of files that are being written."""
        return sorted(self.data.rglob("scratch/*"))

    def start(self) -> None:
        """Starts the service on its data folder and waits until it is ready."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "serve", "--port", "0", *self._workers],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env=self.environment,
        )
        ready = threading.Event()
        threading.Thread(target=self._listen, args=(self.process, ready), daemon=True).start()
        if not ready.wait(START_SECONDS):
            self.process.terminate()
            self.process.wait(60)
            pytest.fail("the service was not ready:\n" + "".join(self.lines))
        self.client = httpx.Client(base_url=self.address, timeout=60)

    def _listen(self, process: "subprocess.Popen[str]", ready: threading.Event) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.lines.append(line)
            if " ready: " in line:
                self.address = line.split(" ready: ")[1].split()[0]
                ready.set()

    def stop(self) -> None:
        """Stops the service by SIGTERM and prints its log."""
        self.client.close()
        self.process.terminate()
        self.process.wait(60)
        print("".join(self.lines))  # pytest shows it if a test fails

    def kill(self) -> None:
        """Kills all of its processes at once."""
        for process in [psutil.Process(self.process.pid), *self.descendants()]:
            _signal(process, signal.SIGKILL)
        self.process.wait(60)
        self.client.close()

    def descendants(self) -> list[psutil.Process]:
        """All descendants of its main process."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def part(self, name: str) -> psutil.Process:
        """The process of `api`, `worker` or `reaper`."""
        return until(lambda: self._part(name), f"the {name}")

    def _part(self, name: str) -> psutil.Process | None:
        return next(iter(self.parts(name)), None)

    def parts(self, name: str) -> list[psutil.Process]:
        """The present processes of a part, e.g. of each `worker`."""
        found = []
        for process in psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess):  # it has ended, or is a zombie
                if process.name() == f"graphfit-{name}":
                    found.append(process)
        return found

    def forkservers(self) -> list[psutil.Process]:
        """The children of `graphfit serve` that have loaded TensorFlow, without their forks."""
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if has_tensorflow(child)]

    def training_process(self) -> psutil.Process:
        """Waits for a training process and returns it."""
        return until(self._training_process, "a training process")

    def _training_process(self) -> psutil.Process | None:
        for process in self.descendants():
            with suppress(psutil.NoSuchProcess):
                alive = process.status() != psutil.STATUS_ZOMBIE
                if alive and process.name() == "graphfit-train":
                    return process
        return None

    def dataset(self, columns: dict[str, Any], **extra: Any) -> str:
        """Posts a dataset of columns (arrays or lists) and returns its id."""
        listed = {n: c.tolist() if hasattr(c, "tolist") else c for n, c in columns.items()}
        answer = self.client.post("/v1/datasets", json={"columns": listed, **extra})
        assert answer.status_code == 201, answer.text
        identifier: str = answer.json()["id"]
        return identifier

    def file_dataset(self, raw: bytes, media_type: str, **query: str) -> dict[str, Any]:
        """Posts a file as a dataset and returns the dataset."""
        headers = {"Content-Type": media_type}
        answer = self.client.post("/v1/datasets", content=raw, headers=headers, params=query)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def submit(self, **request: Any) -> str:
        """Posts a job and returns its id."""
        answer = self.client.post("/v1/jobs", json=request)
        assert answer.status_code == 202, answer.text
        identifier: str = answer.json()["id"]
        return identifier

    def job(self, job_id: str) -> dict[str, Any]:
        """The present state of a job."""
        answer = self.client.get(f"/v1/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        job: dict[str, Any] = answer.json()
        return job

    def ended(self, job_id: str) -> dict[str, Any]:
        """Waits until a job is in a terminal state and returns it."""

        def terminal() -> dict[str, Any] | None:
            job = self.job(job_id)
            return job if job["is_terminal"] else None

        return until(terminal, f"the end of {job_id}", JOB_SECONDS)

    def trained(self, **request: Any) -> dict[str, Any]:
        """Posts a job, waits for its success and returns it."""
        job = self.ended(self.submit(**request))
        assert job["state"] == "succeeded", job["error"]
        return job

    def file(self, model_id: str, name: str) -> bytes:
        """The content of one file of a model."""
        answer = self.client.get(f"/v1/models/{model_id}/files/{name}")
        assert answer.status_code == 200, answer.text
        return answer.content


def has_tensorflow(process: psutil.Process) -> bool:
    with suppress(psutil.Error):  # it has ended
        return any("libtensorflow" in library.path for library in process.memory_maps())
    return False


def _signal(process: psutil.Process, number: int) -> None:
    with suppress(psutil.NoSuchProcess):  # it has ended
        process.send_signal(number)


def until(
    look: Callable[[], T | None], what: str, seconds: float = JOB_SECONDS, pause: float = 0.02
) -> T:
    """Calls `look` until it returns something other than None, and returns that.

    Args:
        look: The condition.
        what: What is awaited, for the message.
        seconds: The time limit.
        pause: Seconds between two calls.

    Raises:
        TimeoutError: the time limit has passed.
    """
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() >= deadline:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(pause)
    return found
