"""Advances one sweep: records the ends of trials, prunes, starts the next trial, and ends it."""

import logging
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from application.submission.job_data import JobData
from application.submission.jobs import AcceptedJob, accept_job, check_limits
from application.submission.services import JobServices
from application.sweeps.history import load_study
from application.sweeps.optimizer import Optimizer
from application.sweeps.trial_request import make_body, validate
from domain.errors import Conflict, Invalid, NotFound
from domain.job.job import JobState
from domain.sweeps.request import SweepRequest
from domain.sweeps.space import Unplaceable
from domain.sweeps.study import Study
from domain.sweeps.sweep import SweepError, SweepState, TrialState
from models_store.records import models
from models_store.sweeps import advance, control, sweeps, trials
from models_store.sweeps.advance import RunningTrial

log = logging.getLogger(__name__)
MOST_FAILURES = 10
"""A sweep fails if its first trials, as many as this, have failed."""


@dataclass(frozen=True)
class SweepServices:
    """What advancing a sweep needs."""

    jobs: JobServices
    optimizer: Optimizer
    wake_workers: Callable[[], None]
    unload_model: Callable[[str], None]


@dataclass(frozen=True)
class Ending:
    """How a trial has ended."""

    state: TrialState
    value: float | None = None
    epoch: int | None = None
    error: SweepError | None = None


class Progress:
    """One active sweep, at the time of a look."""

    def __init__(self, services: SweepServices, row: Row[Any], request: SweepRequest) -> None:
        """Reads nothing yet.

        Args:
            services: The services.
            row: The row of the sweep.
            request: Its parsed request.
        """
        self._services = services
        self._database = services.jobs.database
        self._row = row
        self._id: str = row.id
        self._owner: str = row.owner
        self._request = request

    def record_ends(self, shown: Mapping[str, int] | None = None) -> bool:
        """Records the trials whose jobs have ended. Returns whether there were any.

        Args:
            shown: The versions of the jobs whose epochs the pruner has seen, by id; a later
                version waits for it. None without a pruner.
        """
        with self._database.read() as connection:
            ended = [
                trial
                for trial in advance.list_running(connection, self._id)
                if trial.has_ended
                and (shown is None or trial.version in (None, shown.get(trial.job_id)))
            ]
            endings = [(trial, self._describe_end(connection, trial)) for trial in ended]
        if not endings:
            return False
        with self._database.write() as connection:
            row = advance.lock(connection, self._id)
            if row is None:
                return False
            for trial, ending in endings:
                self._end(connection, trial.number, ending)
            self._fail_if_hopeless(connection)
        return True

    def _describe_end(self, connection: Connection, trial: RunningTrial) -> Ending:
        if trial.state is JobState.CANCELLED:
            return Ending(TrialState.CANCELLED)
        if trial.state is JobState.SUCCEEDED and trial.model_id is not None:
            return self._evaluate(advance.get_result(connection, trial.model_id))
        detail = "Its job was deleted." if trial.error is None else str(trial.error["detail"])
        return Ending(TrialState.FAILED, error=SweepError(detail=detail))

    def _evaluate(self, result: tuple[dict[str, float], int | None] | None) -> Ending:
        """Returns the end of a trial whose job has made a model."""
        if result is None:
            error = SweepError(detail="Its model was deleted before its metrics were read.")
            return Ending(TrialState.FAILED, error=error)
        metrics, epoch = result
        metric = self._request.objective.metric
        value = metrics.get(metric)
        if value is None or math.isnan(value):
            what = "is missing" if value is None else "is NaN"
            error = SweepError(detail=f"'{metric}' of the model {what}.")
            return Ending(TrialState.FAILED, error=error)
        return Ending(TrialState.SUCCEEDED, float(value), epoch)

    def _end(self, connection: Connection, number: int, ending: Ending) -> None:
        """Ends a trial, and makes it the best one if it is."""
        changed = trials.end(
            connection, self._id, number, ending.state, ending.value, ending.epoch, ending.error
        )
        values: dict[str, Any] = {}
        if changed and ending.state is TrialState.SUCCEEDED:
            assert ending.value is not None
            if self._is_best(connection, number, ending.value):
                values = {"best": number}
        if changed:
            self._update(connection, values)

    def _update(self, connection: Connection, values: dict[str, Any]) -> None:
        states = SweepState.RUNNING, SweepState.CANCELLING
        sweeps.update_active(connection, self._id, values, *states)

    def _is_best(self, connection: Connection, number: int, value: float) -> bool:
        """Whether a trial is better than the best one so far; of equal ones the first is."""
        row = advance.lock(connection, self._id)
        if row is None or row.best is None:
            return True
        best = trials.get(connection, self._id, row.best, self._request.space)
        assert best.value is not None
        sign = 1 if self._request.objective.direction == "minimize" else -1
        return (sign * value, number) < (sign * best.value, best.number)

    def _fail_if_hopeless(self, connection: Connection) -> None:
        """Starts no further trials if the first ones have all failed."""
        failed = trials.count(connection, self._id, TrialState.FAILED)
        if failed < min(MOST_FAILURES, self._row.trials):
            return
        others = TrialState.SUCCEEDED, TrialState.PRUNED, TrialState.CANCELLED
        if trials.count(connection, self._id, *others):
            return
        first = next(row for row in trials.list_rows(connection, self._id) if row.error)
        reason = SweepError.model_validate(first.error)
        detail = f"The first {failed} trials failed. Trial {first.number}: {reason.detail}"
        error = SweepError(detail=detail, errors=reason.errors)
        self._update(connection, {"error": error.model_dump(mode="json")})
        control.cancel_jobs(connection, self._owner, self._id)

    def start_next(self) -> bool:
        """Starts the next trial, if one may start. Returns whether one did.

        Raises:
            Busy: too many graphs are being checked, or a process was killed.
            Unfinished: Optuna took too much time or memory.
        """
        with self._database.read() as connection:
            if not self._may_start(connection, self._row):
                return False
            study = load_study(connection, self._row, self._request)
        number = len(study.trials)
        suggestion = self._services.optimizer.suggest(study)
        try:
            accepted, data = self._accept(study, suggestion)
            is_started = self._store(number, suggestion, accepted, data)
        except Invalid as invalid:
            error = SweepError(detail=invalid.detail, errors=[*invalid.faults])
            return self._store_refusal(number, suggestion, error)
        except Unplaceable as unplaceable:
            return self._store_refusal(number, suggestion, SweepError(detail=str(unplaceable)))
        if is_started:
            self._services.wake_workers()
        return is_started

    def _may_start(self, connection: Connection, row: Row[Any]) -> bool:
        if row.state != SweepState.RUNNING or row.error is not None or row.started >= row.trials:
            return False
        running = trials.count(connection, self._id, TrialState.RUNNING)
        return running < self._request.parallel

    def _accept(
        self, study: Study, suggestion: dict[str, int | float]
    ) -> tuple[AcceptedJob, JobData]:
        body = make_body(self._row.request["request"], self._request.space, suggestion, study.seed)
        request = validate(body)
        check_limits(self._services.jobs, request)
        data = JobData(request, body, [])
        return accept_job(self._services.jobs, self._owner, data, body), data

    def _store(
        self,
        number: int,
        suggestion: dict[str, int | float],
        accepted: AcceptedJob,
        data: JobData,
    ) -> bool:
        """Stores a trial with its job, unless another process has stored that number."""
        with self._database.write() as connection:
            if not self._take_number(connection, number):
                return False
            job_id = accepted.insert(connection, self._owner, data, self._id)
            trials.add(connection, self._owner, self._id, number, suggestion, job_id)
        return True

    def _store_refusal(
        self, number: int, suggestion: dict[str, int | float], error: SweepError
    ) -> bool:
        with self._database.write() as connection:
            if not self._take_number(connection, number):
                return False
            trials.add(connection, self._owner, self._id, number, suggestion, None, error)
            self._fail_if_hopeless(connection)
        return True

    def _take_number(self, connection: Connection, number: int) -> bool:
        """Locks the sweep and counts the trial, if it is the next one and may start."""
        row = advance.lock(connection, self._id)
        if row is None or row.started != number or not self._may_start(connection, row):
            return False
        self._update(connection, {"started": number + 1})
        return True

    def finish(self) -> bool:
        """Ends the sweep if its last job has ended. Returns whether it did."""
        row = self._row
        is_cancelled = row.state == SweepState.CANCELLING
        if row.started < row.trials and row.error is None and not is_cancelled:
            return False
        with self._database.read() as connection:
            running = trials.count(connection, self._id, TrialState.RUNNING)
            if running or advance.is_any_job_left(connection, self._id):
                return False
            study = load_study(connection, row, self._request)
        importances = self._services.optimizer.compute_importances(study)
        self.drop_surplus()
        with self._database.write() as connection:
            current = advance.lock(connection, self._id)
            if current is None:
                return False
            state, error = _decide_end(current, study)
            advance.finish(
                connection,
                self._id,
                state,
                {
                    "importances": importances,
                    "error": None if error is None else error.model_dump(mode="json"),
                },
            )
        return True

    def update_importances(self) -> None:
        """Computes the importances after the trials so far."""
        with self._database.read() as connection:
            study = load_study(connection, self._row, self._request)
        found = self._services.optimizer.compute_importances(study)
        if found is not None:
            with self._database.write() as connection:
                self._update(connection, {"importances": found})

    def drop_surplus(self) -> None:
        """Deletes the models that are not kept."""
        if self._request.keep == "all":
            return
        with self._database.read() as connection:
            row = sweeps.get_row(connection, self._owner, self._id)
            found = advance.list_surplus(connection, self._id, row.best)
        for model_id in found:
            with suppress(Conflict, NotFound):
                with self._database.write() as connection:
                    folder = models.delete(connection, self._owner, model_id)
                self._services.unload_model(model_id)
                self._services.jobs.store.delete_prefix(folder)


def _decide_end(row: Row[Any], study: Study) -> tuple[SweepState, SweepError | None]:
    if row.error is not None:
        return SweepState.FAILED, SweepError.model_validate(row.error)
    if row.state == SweepState.CANCELLING:
        return SweepState.CANCELLED, None
    if any(trial.state is TrialState.SUCCEEDED for trial in study.trials):
        return SweepState.SUCCEEDED, None
    return SweepState.FAILED, SweepError(detail="No trial has succeeded.")
