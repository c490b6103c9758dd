"""The Celery worker. It runs one job at a time; its messages carry no content."""

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
from worker.supervisor.job_loop import JobLoop
from worker.supervisor.launch import NoDevice, warm_up
from worker.supervisor.options import Options
from worker.supervisor.registration import Registration, make_announcement
from worker.supervisor.runner import Runner

log = logging.getLogger(__name__)
CELERY_ARGUMENTS = (
    "--quiet worker --hostname graphfit@%h --pool threads --concurrency 1 --loglevel warning "
    "--without-gossip --without-mingle --without-heartbeat"
)


def make_job_loop(
    announced: Announcement, database: Database, stopping: threading.Event, part: str = "worker"
) -> JobLoop:
    """Returns the job loop of this process, configured by the settings."""
    store_settings = StoreSettings()
    options = Options.of(store_settings, Settings(), part)
    store = open_store(store_settings)
    key = announced.capacity.environment_key
    runner = Runner(database, store, options, key, stopping)
    return JobLoop(announced.id, announced.capacity, database, runner, stopping)


def run(gpus: int = 0, number: int | None = None) -> int:
    """Runs jobs until SIGTERM or SIGINT, which release a running job.

    Args:
        gpus: The number of GPUs that the worker must have; 0: all GPUs of the machine, or the CPU.
        number: Which of several workers of this machine it is.

    Returns:
        The exit status.
    """
    # Celery warns superusers about the content of messages; these messages have none
    warnings.simplefilter("ignore", SecurityWarning)
    part = "worker" if number is None else f"worker-{number}"
    logs.configure(part)
    stopping = threading.Event()
    try:
        announced = make_announcement(warm_up(gpus))
    except NoDevice as error:
        log.error("%s", error)
        return 1
    settings = StoreSettings()
    database = Database.from_settings(settings)
    registration = Registration(announced, database, settings.lease_seconds)
    app = celery_app(settings)
    job_loop = make_job_loop(announced, database, stopping, part)
    app.task(name=WAKE, ignore_result=True)(job_loop.run_queued)
    polling = threading.Thread(
        target=job_loop.poll, args=(Settings().idle_seconds,), name="poll", daemon=True
    )

    def stop(**_: Any) -> None:
        stopping.set()

    signals.worker_shutting_down.connect(stop)
    log.info("ready as %s: %s", announced.name, ", ".join(announced.devices) or "cpu")
    registration.start()
    polling.start()  # the worker polls for jobs even if the broker does not answer
    app.worker_main(CELERY_ARGUMENTS.split())
    polling.join()
    registration.stop()
    return 0
