"""Tells all that this worker is there, for as long as it is."""

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
BEATS = 3
"""In the time after which a silent worker counts as lost."""


def announcement(machine: Machine) -> Announcement:
    """This process, under a new id."""
    return Announcement(
        id=new_id("worker"),
        name=f"{socket.gethostname()}-{os.getpid()}",
        capacity=machine.capacity,
        devices=machine.devices,
        environment=machine.environment,
        version=version("graphfit"),
        started_at=datetime.now(UTC),
    )


class Presence:
    """Beats in a thread of its own, whatever the worker does and whether the store is there."""

    def __init__(
        self, announced: Announcement, database: Database, lost_after_seconds: float
    ) -> None:
        self._announced = announced
        self._database = database
        self._lost_after_seconds = lost_after_seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="presence", daemon=True)

    def begin(self) -> None:
        """Announces the worker, now or as soon as the store answers."""
        self._thread.start()

    def end(self) -> None:
        """Takes the announcement back; where the store is away, silence does."""
        self._over.set()
        if self._thread.ident is None:
            return
        self._thread.join(self._lost_after_seconds)
        try:
            with self._database.write() as connection:
                workers.retire(connection, self._announced.id)
        except GraphfitError as error:
            log.warning("%s", error.detail)

    def _keep(self) -> None:
        while True:
            self._beat()
            if self._over.wait(self._lost_after_seconds / BEATS):
                return

    def _beat(self) -> None:
        try:
            with self._database.write() as connection:
                workers.beat(connection, self._announced, self._lost_after_seconds)
        except GraphfitError as error:
            log.warning("%s", error.detail)
        except Exception:  # a fault of ours must not make a worker at work look lost
            log.exception("a sign of life was not given")
