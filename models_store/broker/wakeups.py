"""Calls workers behind the back of whoever has work for them."""

import logging
import threading

from celery import Celery

from domain.errors import Busy
from models_store.broker import celery

log = logging.getLogger(__name__)
MOST_WAITING = 100


class Calls:
    """Nobody waits for the broker: one thread sends, and gives up what cannot be sent.

    A call that is lost does no harm: idle workers look by themselves every second.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._waiting = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Calls one idle worker, soon."""
        with self._changed:
            self._waiting = min(self._waiting + 1, MOST_WAITING)
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._send, name="calls", daemon=True)
                self._thread.start()

    def _send(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                self._waiting -= 1
            try:
                celery.send(self._app)
            except Busy as busy:
                log.warning("no worker could be called: %s", busy.detail)
                with self._changed:
                    self._waiting = 0
