"""Sends wake messages to workers in a thread, so that no caller waits for the broker."""

import logging
import threading

from celery import Celery

from domain.errors import Busy
from models_store.broker import celery

log = logging.getLogger(__name__)
MOST_WAITING = 100


class WakeSender:
    """Sends wake messages in one thread, and drops those that cannot be sent.

    A lost message does no harm, since idle workers look at the queue every second.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._waiting = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Adds one wake message to those that the thread sends."""
        with self._changed:
            self._waiting = min(self._waiting + 1, MOST_WAITING)
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._send, name="wake-sender", daemon=True)
                self._thread.start()

    def _send(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                self._waiting -= 1
            try:
                celery.send_wake(self._app)
            except Busy as busy:
                log.warning("no wake message could be sent: %s", busy.detail)
                with self._changed:
                    self._waiting = 0
