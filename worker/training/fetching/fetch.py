"""Fetches a file in parts, which the supervisor stores one by one. A broken fetch continues."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from domain.errors import TooLarge
from domain.job.sources import parse_address, parse_allowed
from domain.model import ModelFile
from models_store.uploads.part_files import PART_BYTES, PartFile, write_parts
from worker.protocol.messages import Downloaded, FetchRestarted
from worker.protocol.tasks import FetchTask, ImportTask
from worker.training.fetching.bucket import open_object, set_credentials
from worker.training.fetching.http import open_http
from worker.training.fetching.remote import CannotFetch, FetchInterrupted, Remote, RemoteStream
from worker.training.supervisor_link import SupervisorLink

MEDIA_TYPE = "application/octet-stream"
TRIES = 6
"""Connections in a row that may break without a byte in between."""
FIRST_PAUSE = 0.5
"""Seconds before the second try; each further pause is twice as long."""

Report = Callable[[int, int | None], None]
"""Takes the number of bytes that are fetched, and that of the whole file if it is known."""


@dataclass
class Fetch:
    """One attempt to fetch a file. The supervisor has the parts that earlier attempts fetched."""

    task: ImportTask
    source: FetchTask
    link: SupervisorLink
    report: Report

    def __post_init__(self) -> None:
        self.paths = list(self.task.parts)
        """The parts of the file on this machine."""
        self.media_type = self.source.media_type
        self._size = sum(path.stat().st_size for path in self.paths)
        self._validator = self.source.validator
        self._total = self.source.total
        self._restarts = 0

    def run(self) -> None:
        """Fetches the rest of the file.

        Raises:
            CannotFetch: The file cannot be fetched.
            FetchInterrupted: The server did not answer several times in a row.
            TooLarge: The file is larger than the service allows.
        """
        set_credentials(dict(self.source.credentials))
        failures = 0
        while not self._is_complete:
            before = self._size
            try:
                self._fetch_rest()
                return
            except FetchInterrupted:
                failures = 1 if self._size > before else failures + 1
                if failures >= TRIES:
                    raise
            self._pause(FIRST_PAUSE * 2**failures)

    @property
    def _is_complete(self) -> bool:
        return self._total is not None and self._size == self._total

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.report(self._size, self._total)
            time.sleep(0.1)

    def _fetch_rest(self) -> None:
        with self._open() as remote:
            if remote.start != self._size:
                self._restart()
            self._total = remote.total
            self._validator = remote.validator or (self._validator if remote.start else None)
            self.media_type = remote.media_type or self.media_type
            most = self.task.plan.most_bytes
            if remote.total is not None and remote.total > most:
                raise TooLarge(f"The file has {remote.total} bytes, more than {most}.")
            for part in self._write_parts(remote, most):
                self._send(part)
        if self._total is not None and self._size != self._total:
            raise FetchInterrupted("The connection ended before the whole file was received.")

    def _open(self) -> AbstractContextManager[Remote]:
        address = parse_address(self.source.url)
        if address is None:
            raise CannotFetch("The source is no address of a file.")
        allowed = parse_allowed(self.source.hosts)
        if address.scheme == "s3":
            bucket = self.source.bucket
            return open_object(address, allowed, bucket, self._size, self._validator)
        return open_http(address, allowed, self._size, self._validator)

    def _restart(self) -> None:
        """Drops the parts of an earlier content of the file."""
        self.link.send(FetchRestarted())
        self._restarts += 1
        self.paths = []
        self._size = 0

    def _write_parts(self, remote: Remote, most: int) -> Iterator[PartFile]:
        stream = _Reporting(RemoteStream(remote), self._size, self._total, self.report)
        return write_parts(stream, self.task.folder, self._size, most, PART_BYTES)

    def _send(self, part: PartFile) -> None:
        """Keeps a part for this process, and gives it to the supervisor, which moves it away.

        The supervisor may be late, so a part of a later content of the file has another name.
        """
        name = f"{self._restarts}-{part.start}"
        sent = part.path.rename(self.task.folder / f"fetched-{name}")
        kept = self.task.folder / f"kept-{name}"
        os.link(sent, kept)
        self.paths.append(kept)
        self._size = part.end
        self.link.check()
        file = ModelFile(
            name=sent.name, bytes=part.bytes, sha256=part.sha256, media_type=MEDIA_TYPE
        )
        self.link.send(
            Downloaded(
                file=file,
                start=part.start,
                total=self._total,
                validator=self._validator,
                media_type=self.media_type,
            )
        )


@dataclass
class _Reporting:
    """A stream that reports how much of it is read."""

    stream: RemoteStream
    position: int
    total: int | None
    report: Report

    def read(self, size: int, /) -> bytes:
        block = self.stream.read(size)
        self.position += len(block)
        self.report(self.position, self.total)
        return block
