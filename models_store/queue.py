"""Wake-up calls for workers: the database is the queue, a message only says `look`."""

import logging
from pathlib import Path
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError

from models_store.settings import Settings

log = logging.getLogger(__name__)
WAKE = "graphfit.wake"


def celery_app(settings: Settings) -> Celery:
    """Celery on the broker that the settings name, kombu's filesystem transport by default."""
    app = Celery("graphfit")
    app.conf.update(
        broker_url=settings.broker_url or "filesystem://localhost",
        broker_connection_retry_on_startup=True,
        task_ignore_result=True,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
    )
    if not settings.broker_url:
        app.conf.broker_transport_options = _folders(settings.data_folder / "calls")
    return app


def _folders(folder: Path) -> dict[str, Any]:
    """One folder for in and out: whoever listens there hears every call."""
    for name in ("messages", "control"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "control_folder": str(folder / "control"),
        "polling_interval": 0.1,
    }


def wake(app: Celery) -> None:
    """Calls one idle worker.

    A call that is lost does no harm: idle workers look by themselves every second.
    """
    try:
        app.send_task(WAKE, ignore_result=True, retry=False)
    except (OperationalError, OSError) as error:
        log.warning("no worker could be called: %s", error)
