"""Celery messages that make idle workers look at the queue, which is in the database."""

from pathlib import Path
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from domain.errors import Busy
from models_store.broker import folder
from models_store.settings import Settings

WAKE = "graphfit.wake"
REDIS = ("redis", "rediss")
CONNECT_SECONDS, READ_SECONDS = 3, 5
ANSWER_SECONDS = 0.3
"""Timeout of the check of Redis, in seconds."""


def celery_app(settings: Settings) -> Celery:
    """Creates the Celery app with the broker of the settings.

    The default broker is a folder of messages. A worker reconnects to a lost broker
    without a limit on the number of tries.
    """
    folder.register()
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
        app.conf.broker_transport_options = _filesystem_options(settings.data_folder / "calls")
    elif _is_redis(settings.broker_url):
        app.conf.broker_transport_options = _redis_options()
    return app


def _filesystem_options(calls: Path) -> dict[str, Any]:
    """Options of the filesystem transport; one folder serves for input and output."""
    for name in ("messages", "control"):
        (calls / name).mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(calls / "messages"),
        "data_folder_out": str(calls / "messages"),
        "control_folder": str(calls / "control"),
        "polling_interval": 0.1,
    }


def _redis_options() -> dict[str, Any]:
    """Timeouts of the Redis client, which has none by default."""
    return {
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": READ_SECONDS,
        "socket_keepalive": True,
        "health_check_interval": READ_SECONDS,
    }


def send_wake(app: Celery) -> None:
    """Sends one wake message, which one idle worker receives.

    Raises:
        Busy: The broker does not answer.
    """
    try:
        app.send_task(WAKE, ignore_result=True, retry=False)
    except (OperationalError, OSError) as error:
        raise _busy() from error


def check(app: Celery) -> None:
    """Checks that Redis answers within `ANSWER_SECONDS`; does nothing for another broker.

    Raises:
        Busy: Redis does not answer.
    """
    if not _is_redis(app.conf.broker_url):
        return
    no_retry, timeout = Retry(NoBackoff(), 0), {"socket_timeout": ANSWER_SECONDS}
    try:
        with Redis.from_url(app.conf.broker_url, retry=no_retry, **timeout) as client:
            client.ping()
    except RedisError as error:
        raise _busy() from error


def _is_redis(url: str) -> bool:
    return url.split(":", maxsplit=1)[0] in REDIS


def _busy() -> Busy:
    return Busy("The message broker does not answer just now.")
