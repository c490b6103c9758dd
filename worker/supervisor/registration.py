"""Registers this worker in the database and sends its heartbeats."""

import logging
import os
import socket
import threading
from datetime import UTC, datetime
from importlib.metadata import version

from domain.errors import GraphfitError
from models_store.database.engine import Database
from models_store.ids import new_id
from models_store.jobs import workers
from models_store.jobs.workers import Announcement
from worker.protocol.machine import Machine

log = logging.getLogger(__name__)
HEARTBEATS = 3
"""Heartbeats in the time after which a silent worker counts as lost."""


def make_announcement(machine: Machine) -> Announcement:
    """Describes this process under a new worker id."""
    return Announcement(
        id=new_id("worker"),
        name=f"{socket.gethostname()}-{os.getpid()}",
        capacity=machine.capacity,
        devices=machine.devices,
        environment=machine.environment,
        version=version("graphfit"),
        started_at=datetime.now(UTC),
    )


class Registration:
    """Sends heartbeats in a thread, while jobs run and while the database is away."""

    def __init__(
        self, announced: Announcement, database: Database, lost_after_seconds: float
    ) -> None:
        self._announced = announced
        self._database = database
        self._lost_after_seconds = lost_after_seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="registration", daemon=True)

    def start(self) -> None:
        """Registers the worker, now or as soon as the database answers."""
        self._thread.start()

    def stop(self) -> None:
        """Removes the registration. If the database is away, it expires by itself."""
        self._over.set()
        if self._thread.ident is None:
            return
        self._thread.join(self._lost_after_seconds)
        try:
            with self._database.write() as connection:
                workers.unregister(connection, self._announced.id)
        except GraphfitError as error:
            log.warning("%s", error.detail)

    def _run(self) -> None:
        while True:
            self._send_heartbeat()
            if self._over.wait(self._lost_after_seconds / HEARTBEATS):
                return

    def _send_heartbeat(self) -> None:
        try:
            with self._database.write() as connection:
                workers.record_heartbeat(connection, self._announced, self._lost_after_seconds)
        except GraphfitError as error:
            log.warning("%s", error.detail)
        except Exception:  # an internal error must not make a working worker look lost
            log.exception("a heartbeat was not sent")
