"""Celery messages as files in a folder, which any number of processes write and read at a time.

kombu's own transport writes a message under its final name, so that a worker may read half of it.
The error ends the worker.
"""

import uuid
from pathlib import Path
from queue import Empty
from time import monotonic_ns
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.transport.filesystem import exchange_queue_t
from kombu.utils.json import dumps, loads


class Channel(filesystem.Channel):  # type: ignore[misc]
    """Writes each file under another name and renames it."""

    def _put(self, queue: str, payload: Any, **_: Any) -> None:
        name = f"{monotonic_ns() // 10**6}_{uuid.uuid4()}.{queue}.msg"
        _write(Path(self.data_folder_out) / name, payload)

    def _get(self, queue: str) -> Any:
        """Returns the oldest message. The process that can delete a file has its message.

        Raises:
            Empty: There is no message.
        """
        for path in sorted(Path(self.data_folder_in).glob(f"*.{queue}.msg")):
            try:
                content = path.read_bytes()
                path.unlink()
                return loads(content)
            except (FileNotFoundError, ValueError):  # another process has it, or it is damaged
                continue
        raise Empty

    def queue_bind(
        self, queue: str, exchange: str, routing_key: str = "", arguments: Any = None, **_: Any
    ) -> None:
        """Writes the binding before this process counts it as made.

        kombu counts first: another thread would send in between, and its message would be lost.
        """
        parts = self.typeof(exchange).prepare_bind(queue, exchange, routing_key, arguments)
        self._queue_bind(exchange, *parts)
        super().queue_bind(queue, exchange, routing_key, arguments)

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        self.control_folder.mkdir(exist_ok=True)
        entry = exchange_queue_t(routing_key or "", pattern or "", queue or "")
        table = self.get_table(exchange)
        if entry not in table:
            _write(self._exchange_file(exchange), [entry, *table])


class Transport(filesystem.Transport):  # type: ignore[misc]
    """The transport of the URL `filesystem://`."""

    Channel = Channel


def register() -> None:
    """Makes this transport the one of `filesystem://` in this process."""
    TRANSPORT_ALIASES["filesystem"] = f"{__name__}:Transport"


def _write(path: Path, content: Any) -> None:
    half = path.with_name(f"{uuid.uuid4()}.half")
    half.write_text(dumps(content), encoding="utf-8")
    half.replace(path)
