"""Shows the new epochs of running trials to Optuna's pruner, and ends those that it prunes."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row

from application.sweeps.history import load_study
from application.sweeps.progress import SweepServices
from domain.sweeps.request import SweepRequest
from domain.sweeps.study import PastTrial, Study, Verdict
from domain.sweeps.sweep import ACTIVE, TrialState
from models_store.sweeps import advance, control, sweeps, trials
from models_store.sweeps.advance import RunningTrial

MOST_EPOCHS = 1_000
"""Epochs of one trial that are shown at once."""
BEST = "graphfit:best"
"""The attribute with the best value of the epochs that the pruner has seen."""


class Pruning:
    """The pruner of one active sweep.

    It sees every epoch of every trial, in order, also those of a trial that has ended meanwhile:
    its decisions depend on the values alone, and not on how fast they arrive.
    """

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
        self._request = request
        self._minimizes = request.objective.direction == "minimize"

    def judge_all(self, versions: dict[str, int]) -> bool:
        """Shows the new epochs of all running trials. Returns whether there were any.

        Args:
            versions: The versions of the jobs whose epochs were all shown, by id; is updated.
        """
        with self._database.read() as connection:
            running = advance.list_running(connection, self._row.id)
        changed = False
        for trial in running:
            if trial.version is not None and versions.get(trial.job_id) != trial.version:
                if self._judge(trial):
                    changed = True
                else:
                    versions[trial.job_id] = trial.version
        return changed

    def _judge(self, trial: RunningTrial) -> bool:
        """Shows some new epochs of a trial. Returns whether there were any."""
        seen = max(trial.seen, self._request.request.fit.initial_epoch)
        first, last = seen + 1, seen + MOST_EPOCHS
        with self._database.read() as connection:
            found = advance.get_epochs(connection, [trial.job_id], first, last)
            if not found:
                return False
            values = self._select(found)
            study = self._load_study(connection, trial, [*values])
        verdict = Verdict(None, dict(trial.attributes))
        if values:
            verdict = self._services.optimizer.judge(study, trial.number, values)
        self._store(trial, found[-1][1], values, verdict)
        return True

    def _select(self, found: list[tuple[str, int, dict[str, float]]]) -> dict[int, float]:
        """Returns the objective by epoch, without epochs that have none."""
        metric = self._request.objective.metric
        return {epoch: metrics[metric] for _, epoch, metrics in found if metric in metrics}

    def _load_study(self, connection: Connection, trial: RunningTrial, shown: list[int]) -> Study:
        """Returns the sweep with the values that the pruner compares."""
        study = load_study(connection, self._row, self._request)
        past = study.trials
        if self._request.pruner == "median" and shown:
            past = self._add_values(connection, past, shown)
        best = trial.attributes.get(BEST)
        if best is not None:
            past[trial.number] = replace(past[trial.number], values={0: best})
        return replace(study, trials=past)

    def _add_values(
        self, connection: Connection, past: list[PastTrial], shown: list[int]
    ) -> list[PastTrial]:
        """Returns the trials; those that have succeeded have their values at the epochs shown."""
        rows = trials.list_rows(connection, self._row.id)
        numbers = {row.job_id: row.number for row in rows if row.state == TrialState.SUCCEEDED}
        found = advance.get_epochs(connection, numbers, min(shown), max(shown))
        values: dict[int, dict[int, float]] = {}
        for job_id, epoch, metrics in found:
            if (value := metrics.get(self._request.objective.metric)) is not None:
                values.setdefault(numbers[job_id], {})[epoch] = value
        return [replace(trial, values=values.get(i, {})) for i, trial in enumerate(past)]

    def _store(
        self, trial: RunningTrial, seen: int, values: Mapping[int, float], verdict: Verdict
    ) -> None:
        """Stores what the pruner has seen, or the end of the trial with its last value."""
        row = self._row
        with self._database.write() as connection:
            if advance.lock(connection, row.id) is None:
                return
            if verdict.pruned_at is None:
                attributes = self._note_best(trial, values, verdict)
                trials.note_seen(connection, row.id, trial.number, seen, attributes)
                return
            value = values[verdict.pruned_at]
            ended = TrialState.PRUNED, None if math.isnan(value) else value, verdict.pruned_at
            trials.note_seen(
                connection, row.id, trial.number, verdict.pruned_at, verdict.attributes
            )
            if trials.end(connection, row.id, trial.number, *ended):
                sweeps.update_active(connection, row.id, {}, *ACTIVE)
                control.cancel_job(connection, row.owner, trial.job_id, "pruned by its sweep")

    def _note_best(
        self, trial: RunningTrial, values: Mapping[int, float], verdict: Verdict
    ) -> dict[str, Any]:
        before = trial.attributes.get(BEST)
        known = [value for value in (before, *values.values()) if value is not None]
        numbers = [value for value in known if not math.isnan(value)]
        if not numbers:
            return verdict.attributes
        best = min(numbers) if self._minimizes else max(numbers)
        return {**verdict.attributes, BEST: best}
