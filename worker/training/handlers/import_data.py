"""Executes `import` jobs. The process is a fork like that of a training, but uses no Keras."""

import platform
import time
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path

from domain.job.outcome import Imported
from models_store.datasets.formats.detection import FIRST_BYTES, detect
from models_store.datasets.staging import read_dataset
from models_store.uploads.part_files import JoinedFiles
from worker.protocol.messages import Checkpointed, Read, Started
from worker.protocol.tasks import ImportTask
from worker.training.fetching.fetch import Fetch
from worker.training.fetching.remote import CannotFetch
from worker.training.handlers.dataset_files import move_files
from worker.training.hardware.memory import limit
from worker.training.supervisor_link import SupervisorLink

REPORT_SECONDS = 0.25


class Reports:
    """Reports the progress of an import, and answers requests for a checkpoint.

    An import has no checkpoint. Parts that it has fetched are stored, and it reads them again.
    """

    def __init__(self, link: SupervisorLink, steps: int) -> None:
        """Reports nothing yet.

        Args:
            link: The link to the supervisor.
            steps: How often each byte is counted: once if it is read, and once if it is fetched.
        """
        self._link = link
        self._steps = steps
        self._sent_at = 0.0

    def report(self, count: int, total: int | None, step: int) -> None:
        """Reports a number of bytes, at most four times a second.

        Args:
            count: The bytes of the file that are fetched or read.
            total: The bytes of the whole file; None if they are not known.
            step: Which step counts, from 0.
        """
        if self._link.take_save_request():
            self._link.send(Checkpointed(epoch=0, step=0, steps=0, checkpoint=None))
            self._link.wait_for_end()
        now = time.monotonic()
        if now - self._sent_at >= REPORT_SECONDS or count == total:
            self._sent_at = now
            self._link.check()
            done = count / total if total else 0.0
            self._link.send(Read(count, total, (step + done) / self._steps))


def execute(task: ImportTask, link: SupervisorLink) -> Imported:
    """Fetches and reads the file of an import, and writes the columns of its dataset."""
    limit(task.memory_bytes)
    link.send(Started(_describe_environment(), epoch=0, step=0, steps=0))
    if task.source is None:
        return _read(task, task.parts, task.plan.media_type, Reports(link, 1), 0)
    reports = Reports(link, 2)
    fetch = Fetch(task, task.source, link, partial(reports.report, step=0))
    fetch.run()
    media_type = task.plan.media_type or _detect(fetch)
    return _read(task, fetch.paths, media_type, reports, 1)


def _detect(fetch: Fetch) -> str | None:
    """Returns the format of a file whose address does not tell it."""
    start = b""
    if fetch.paths:
        with fetch.paths[0].open("rb") as file:
            start = file.read(FIRST_BYTES)
    return detect(fetch.media_type, "", start)


def _read(
    task: ImportTask,
    paths: Sequence[Path],
    media_type: str | None,
    reports: Reports,
    step: int,
) -> Imported:
    if media_type is None:
        raise CannotFetch(
            "Neither the address of the file nor its server nor its first bytes tell a format: "
            "give `format`."
        )
    total = sum(path.stat().st_size for path in paths)
    source = JoinedFiles(paths, lambda count: reports.report(count, total, step))
    folder = task.folder / "columns"
    folder.mkdir()
    plan = task.plan
    staged = read_dataset(
        folder, task.dataset, media_type, source, plan.most_bytes, task.name, plan.options
    )
    return Imported(staged.record, move_files(staged, task.folder))


def _describe_environment() -> dict[str, str | int | bool | None]:
    """Returns the versions that may change what is read from a file."""
    versions = {name: version(name) for name in ("numpy", "pyarrow", "pillow")}
    return {"device": "cpu", "python": platform.python_version(), **versions}
