"""The reaper: requeues jobs of lost workers, explains why jobs wait, deletes unused files."""

import logging
import signal
import threading
import time
from dataclasses import dataclass, field

from domain.errors import GraphfitError
from models_store.broker.celery import celery_app
from models_store.broker.wake_sender import WakeSender
from models_store.database.engine import Database
from models_store.files.store import ArtifactStore, open_store
from models_store.jobs import expired_leases, workers
from models_store.maintenance import retention, sweep
from models_store.records import idempotency
from models_store.settings import Settings as StoreSettings
from models_store.uploads.receiver import Uploads
from worker import logs
from worker.reaper.wait_reasons import Explainer
from worker.settings import Settings
from worker.supervisor.heartbeat_file import HeartbeatFile

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reaper:
    """Any number of reapers may run: each step is one transaction that finds the remaining work."""

    database: Database
    store: ArtifactStore
    calls: WakeSender
    settings: StoreSettings
    heartbeat: HeartbeatFile = field(default_factory=HeartbeatFile)

    def reap(self) -> None:
        """Requeues jobs whose lease has expired and wakes a worker for them."""
        with self.database.read() as connection:
            if not expired_leases.is_any_expired(connection):
                return
        with self.database.write() as connection:
            requeued = expired_leases.requeue_expired(connection, self.settings.max_attempts)
        if requeued:
            log.info("requeued %d job(s) of lost workers", requeued)
            self.calls.wake()

    def sweep(self) -> None:
        """Deletes expired rows, and old folders that no row names."""
        settings = self.settings
        with self.database.write() as connection:
            idempotency.delete_old(connection, settings.idempotency_hours)
            workers.delete_lost(connection)
        retired = retention.delete_old(
            self.database, settings.keep_jobs_days, settings.keep_models_days
        )
        if retired:
            log.info("deleted %d old job(s) and model(s)", retired)
        Uploads(self.database, self.store, settings.upload_hours).delete_expired()
        sweep.sweep(self.database, self.store, settings.sweep_grace_seconds)

    def run(self, stopping: threading.Event, settings: Settings) -> None:
        """Reaps and sweeps until `stopping` is set; tries again if a store does not answer."""
        swept = time.monotonic()
        explainer = Explainer(self.database, self.settings.resume_anywhere_seconds)
        while not stopping.wait(settings.reap_seconds):
            try:
                self.reap()
                explainer.explain()
                if time.monotonic() - swept >= settings.sweep_seconds:
                    self.sweep()
                    swept = time.monotonic()
            except (GraphfitError, OSError) as error:
                log.warning("%s", error)
            self.heartbeat.touch()


def run() -> None:
    """Runs a reaper until SIGTERM or SIGINT."""
    logs.configure("reaper")
    log.info("ready")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    store_settings, settings = StoreSettings(), Settings()
    Reaper(
        Database.from_settings(store_settings),
        open_store(store_settings),
        WakeSender(celery_app(store_settings)),
        store_settings,
        HeartbeatFile.of("reaper", settings.heartbeats),
    ).run(stopping, settings)
