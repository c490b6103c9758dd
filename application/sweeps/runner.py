"""Advances the active sweeps of all owners in a thread of the API."""

import logging
import threading
import time
from typing import Any

from sqlalchemy import Row

from application.sweeps.progress import Progress, SweepServices
from application.sweeps.pruning import Pruning
from domain.errors import GraphfitError
from domain.sweeps.request import SweepRequest
from models_store.ids import new_id
from models_store.sweeps import advance

log = logging.getLogger(__name__)
IDLE_SECONDS = 1.0
"""Time between two looks for sweeps while there is none."""
LEAST_SECONDS, MOST_SECONDS = 0.03, 0.5
"""Limits of the time between two looks at the trials of a sweep."""
LOOK_SHARE = 0.04
"""That time, as a share of the time since the last change of any sweep."""
ERROR_SECONDS = 1.0
"""Time until the next look after an error."""
LEASE_SECONDS = 5.0
"""Time for which a process holds a sweep after each renewal."""
RENEWAL_SECONDS = 1.0
IMPORTANCE_SECONDS = 5.0
"""Shortest time between two computations of the importances of a running sweep."""


class SweepRunner:
    """Advances the sweeps that this process holds.

    Several processes may do so at once: a lease lets one of them work at each sweep, and the row of
    a sweep, which each transaction locks, lets only one store a trial.
    """

    def __init__(self, services: SweepServices) -> None:
        """Starts nothing yet."""
        self._services = services
        self._database = services.jobs.database
        self._holder = new_id("holder")
        self._held_at = float("-inf")
        self._requests: dict[str, SweepRequest] = {}
        self._shown: dict[str, dict[str, int]] = {}
        """The versions of the jobs whose epochs the pruner has seen, by sweep and by job."""
        self._settled: dict[str, int] = {}
        """The version of a sweep for which nothing else was to be done, by id."""
        self._changed_at = time.monotonic()
        self._explained: dict[str, float] = {}
        """When the importances of a sweep were computed, on the monotonic clock."""
        self._notified = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the thread."""
        self._thread = threading.Thread(target=self._run, name="sweeps", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread and the process of Optuna."""
        self._stopping.set()
        self._notified.set()
        if self._thread is not None:
            self._thread.join()
        self._services.optimizer.rest()

    def notify(self) -> None:
        """Looks for a new sweep at once."""
        self._held_at = float("-inf")
        self._notified.set()

    def _run(self) -> None:
        pause = 0.0
        while not self._stopping.is_set():
            self._notified.wait(pause)
            self._notified.clear()
            if not self._stopping.is_set():
                pause = self._try_to_advance()

    def _try_to_advance(self) -> float:
        """Advances each sweep by one step. Returns the time until the next look, in seconds."""
        try:
            return self.advance_all()
        except GraphfitError as error:  # e.g. the database does not answer
            log.info("The sweeps wait: %s", error.detail)
        except Exception:  # go on after an unexpected error
            log.exception("A sweep was not advanced")
        return ERROR_SECONDS

    def advance_all(self) -> float:
        """Advances each sweep that this process holds by one step.

        Returns:
            The time until the next look, in seconds.

        Raises:
            Busy: the database does not answer, or too many graphs are being checked.
        """
        held = self._list_held()
        if not held:
            self._forget(set())
            self._services.optimizer.rest()
            return IDLE_SECONDS
        self._forget({row.id for row in held})
        changed = [self._advance(row) for row in held]
        if any(changed):
            self._changed_at = time.monotonic()
            return 0.0
        waited = time.monotonic() - self._changed_at
        return min(max(LEAST_SECONDS, LOOK_SHARE * waited), MOST_SECONDS)

    def _list_held(self) -> list[Row[Any]]:
        now = time.monotonic()
        if now - self._held_at >= RENEWAL_SECONDS:
            with self._database.read() as connection:
                is_any = advance.is_any_active(connection)
            if not is_any:
                return []
            with self._database.write() as connection:
                advance.hold(connection, self._holder, LEASE_SECONDS)
            self._held_at = now
        with self._database.read() as connection:
            return list(advance.list_held(connection, self._holder))

    def _forget(self, held: set[str]) -> None:
        for sweep_id in self._requests.keys() - held:
            for known in (self._requests, self._settled, self._explained, self._shown):
                known.pop(sweep_id, None)

    def _advance(self, row: Row[Any]) -> bool:
        """Advances a sweep by at most one new trial. Returns whether it has changed."""
        if row.id not in self._requests:
            self._requests[row.id] = SweepRequest.model_validate(row.request)
        request = self._requests[row.id]
        shown = None if request.pruner == "none" else self._shown.setdefault(row.id, {})
        if shown is not None and Pruning(self._services, row, request).judge_all(shown):
            return True
        progress = Progress(self._services, row, request)
        if progress.record_ends(shown):
            self._explained.setdefault(row.id, float("-inf"))
            progress.drop_surplus()
            return True
        is_new = self._settled.get(row.id) != row.version
        if (is_new and progress.start_next()) or progress.finish():
            return True
        self._settled[row.id] = row.version
        self._explain(progress, row)
        return False

    def _explain(self, progress: Progress, row: Row[Any]) -> None:
        """Computes the importances from time to time, while nothing else is to be done."""
        due = self._explained.get(row.id)
        if due is not None and time.monotonic() - due >= IMPORTANCE_SECONDS:
            self._explained[row.id] = time.monotonic()
            progress.update_importances()
