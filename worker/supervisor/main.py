"""The Celery worker: one slot, called by messages that carry nothing."""

import logging
import threading
import warnings
from typing import Any

from celery import signals
from celery.exceptions import SecurityWarning

from models_store.broker.celery import WAKE, celery_app
from models_store.database.engine import Database
from models_store.files.store import open_store
from models_store.jobs.workers import Announcement
from models_store.settings import Settings as StoreSettings
from worker import logs
from worker.settings import Settings
from worker.supervisor.heartbeat_file import Pulse
from worker.supervisor.launch import NoDevice, warm_up
from worker.supervisor.options import Rules
from worker.supervisor.presence import Presence, announcement
from worker.supervisor.runner import Supervisor
from worker.supervisor.slot import Slot

log = logging.getLogger(__name__)
OPTIONS = (
    "--quiet worker --hostname graphfit@%h --pool threads --concurrency 1 --loglevel warning "
    "--without-gossip --without-mingle --without-heartbeat"
)


def make_slot(announced: Announcement, database: Database, stopping: threading.Event) -> Slot:
    """The slot of this process, put together from the settings."""
    store_settings, settings = StoreSettings(), Settings()
    rules = Rules(
        lease_seconds=store_settings.lease_seconds,
        tick_seconds=min(settings.tick_seconds, store_settings.lease_seconds / 3),
        max_attempts=store_settings.max_attempts,
        max_deaths=settings.max_deaths,
        save_seconds=settings.save_seconds,
        checkpoint_seconds=settings.checkpoint_seconds,
        anywhere_seconds=store_settings.resume_anywhere_seconds,
        memory_bytes=settings.max_training_memory_bytes,
        pulse=Pulse.of("worker", settings.pulses),
    )
    store = open_store(store_settings)
    key = announced.capacity.environment_key
    supervisor = Supervisor(database, store, rules, key, stopping)
    return Slot(announced.id, announced.capacity, database, supervisor, stopping)


def run(gpus: int = 0) -> int:
    """Works until SIGTERM or SIGINT; a job under way is handed back.

    Args:
        gpus: How many it must have; 0: what is here.

    Returns:
        The exit status.
    """
    # Celery warns a superuser of what messages may carry; ours carry nothing.
    warnings.simplefilter("ignore", SecurityWarning)
    logs.begin("worker")
    stopping = threading.Event()
    try:
        announced = announcement(warm_up(gpus))
    except NoDevice as error:
        log.error("%s", error)
        return 1
    settings = StoreSettings()
    database = Database.of(settings)
    presence = Presence(announced, database, settings.lease_seconds)
    app = celery_app(settings)
    slot = make_slot(announced, database, stopping)
    app.task(name=WAKE, ignore_result=True)(slot.work)
    looking = threading.Thread(
        target=slot.look_every, args=(Settings().idle_seconds,), name="look", daemon=True
    )

    def stop(**_: Any) -> None:
        stopping.set()

    signals.worker_shutting_down.connect(stop)
    log.info("ready as %s: %s", announced.name, ", ".join(announced.devices) or "cpu")
    presence.begin()
    looking.start()  # a broker that is away keeps nobody from working
    app.worker_main(OPTIONS.split())
    looking.join()
    presence.end()
    return 0
