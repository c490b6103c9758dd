"""Wake-up calls for workers: the database is the queue, a message only says `look`."""

from pathlib import Path
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from domain.errors import Busy
from models_store.settings import Settings

WAKE = "graphfit.wake"
REDIS = ("redis", "rediss")
CONNECT_SECONDS, SILENT_SECONDS = 3, 5
ANSWER_SECONDS = 0.3
"""Whoever asks whether Redis is there does not wait for it."""


def celery_app(settings: Settings) -> Celery:
    """Celery on the broker that the settings name, kombu's filesystem transport by default.

    A worker that has lost its broker looks for it for ever.
    """
    app = Celery("graphfit")
    app.conf.update(
        broker_url=settings.broker_url or "filesystem://localhost",
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        task_ignore_result=True,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
    )
    if not settings.broker_url:
        app.conf.broker_transport_options = _folders(settings.data_folder / "calls")
    elif _is_redis(settings.broker_url):
        app.conf.broker_transport_options = _patience()
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


def _patience() -> dict[str, Any]:
    """Of Redis's client, which would wait for ever."""
    return {
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": SILENT_SECONDS,
        "socket_keepalive": True,
        "health_check_interval": SILENT_SECONDS,
    }


def send(app: Celery) -> None:
    """Calls one idle worker.

    Raises:
        Busy: the broker does not answer.
    """
    try:
        app.send_task(WAKE, ignore_result=True, retry=False)
    except (OperationalError, OSError) as error:
        raise _away() from error


def check(app: Celery) -> None:
    """Nothing, when Redis answers within a moment; a folder always does.

    Raises:
        Busy: it does not.
    """
    if not _is_redis(app.conf.broker_url):
        return
    never, at_once = Retry(NoBackoff(), 0), {"socket_timeout": ANSWER_SECONDS}
    try:
        with Redis.from_url(app.conf.broker_url, retry=never, **at_once) as client:
            client.ping()
    except RedisError as error:
        raise _away() from error


def _is_redis(url: str) -> bool:
    return url.split(":", maxsplit=1)[0] in REDIS


def _away() -> Busy:
    return Busy("The broker of wake-up calls does not answer just now.")
