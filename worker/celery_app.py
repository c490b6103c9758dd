"""The Celery worker: one slot, called by messages that carry nothing."""

import logging
import threading
import warnings
from typing import Any

from celery import signals
from celery.exceptions import SecurityWarning

from domain.resources import Capacity
from models_store.artifacts import open_store
from models_store.database import Database
from models_store.ids import new_id
from models_store.queue import WAKE, celery_app
from models_store.settings import Settings as StoreSettings
from worker.launch import warm_up
from worker.pulse import Pulse
from worker.rules import Rules
from worker.settings import Settings
from worker.slot import Slot
from worker.supervisor import Supervisor

OPTIONS = (
    "--quiet worker --hostname graphfit@%h --pool threads --concurrency 1 --loglevel warning "
    "--without-gossip --without-mingle --without-heartbeat"
)


def make_slot(capacity: Capacity, stopping: threading.Event) -> Slot:
    """The slot of this process, put together from the settings."""
    store_settings, settings = StoreSettings(), Settings()
    database = Database.of(store_settings)
    rules = Rules(
        lease_seconds=store_settings.lease_seconds,
        tick_seconds=min(settings.tick_seconds, store_settings.lease_seconds / 3),
        max_attempts=store_settings.max_attempts,
        checkpoint_seconds=settings.checkpoint_seconds,
        anywhere_seconds=store_settings.resume_anywhere_seconds,
        memory_bytes=settings.max_training_memory_bytes,
        pulse=Pulse.of("worker", settings.pulses),
    )
    store = open_store(store_settings)
    supervisor = Supervisor(database, store, rules, stopping)
    return Slot(new_id("worker"), capacity, database, supervisor, stopping)


def run() -> None:
    """Works until SIGTERM or SIGINT; a job under way is handed back."""
    # Celery warns a superuser of what messages may carry; ours carry nothing.
    warnings.simplefilter("ignore", SecurityWarning)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s worker %(levelname)s %(message)s")
    stopping = threading.Event()
    slot = make_slot(warm_up().capacity, stopping)
    app = celery_app(StoreSettings())
    app.task(name=WAKE, ignore_result=True)(slot.work)
    looking = threading.Thread(
        target=slot.look_every, args=(Settings().idle_seconds,), name="look", daemon=True
    )

    def begin(**_: Any) -> None:
        looking.start()

    def stop(**_: Any) -> None:
        stopping.set()

    signals.worker_ready.connect(begin)
    signals.worker_shutting_down.connect(stop)
    app.worker_main(OPTIONS.split())
    looking.join()
