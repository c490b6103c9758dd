"""Checks the request of a sweep completely before it is stored."""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from application.submission.job_data import JobData
from application.submission.jobs import SEED_COUNT, AcceptedJob, accept_job
from application.submission.jobs import check_limits as check_job_limits
from application.submission.services import JobServices
from application.sweeps.optimizer import Optimizer
from application.sweeps.trial_request import NO_FIELD, make_body, validate
from domain.errors import MOST_FAULTS, Fault, Invalid, clip, did_you_mean, raise_if_any
from domain.job.job import JobRequest
from domain.job.plan import Plan
from domain.json.pointer import pointer
from domain.sweeps.epochs import find_most_epochs
from domain.sweeps.request import Choices, SweepRequest
from domain.sweeps.rules import count_trials, find_sweep_faults
from domain.sweeps.space import find_place_faults, locate
from domain.sweeps.study import Study

MOST_PROBES = 24
"""Maximum number of checks with Keras before a sweep is accepted."""
MOST_NAMED = 40
"""Metrics that a fault lists."""
_BOUNDS = ("low", "high")


@dataclass(frozen=True)
class AcceptedSweep:
    """A checked sweep that is not stored yet."""

    request: SweepRequest
    seed: int
    trials: int
    uses: frozenset[str]
    """The ids of the graph, the model and the datasets that the first trial uses."""
    first: AcceptedJob
    """The first trial that was checked without a fault."""

    def confirm(self, connection: Connection, owner: str) -> None:
        """Checks, in the transaction that stores the sweep, that the records it uses still exist.

        Raises:
            Invalid: a record was deleted while the sweep was being checked.
        """
        try:
            self.first.confirm(connection, owner)
        except Invalid as invalid:
            raise Invalid(
                fault.at(f"/request{fault.pointer}") for fault in invalid.faults
            ) from None


@dataclass
class _Probes:
    """The faults of several requests of trials."""

    services: JobServices
    owner: str
    request: SweepRequest
    base: Any
    """The job request, with ids in place of the datasets that it brings."""
    own: dict[Fault, None]
    """The faults that the values of parameters have."""
    shared: list[list[Fault]]
    """The other faults of each request."""
    accepted: AcceptedJob | None = None
    metric_faults: list[list[Fault]] = field(default_factory=list)
    """Those of the objective's metric, of each request without other faults."""

    def check(self, data: JobData, suggestion: dict[str, int | float], seed: int) -> None:
        """Checks the request of one trial."""
        body = make_body(self.base, self.request.space, suggestion, seed)
        try:
            request = validate(body)
            check_job_limits(self.services, request)
            raise_if_any(_find_trial_faults(self.request, request))
            made = JobData(request, body, data.staged)
            accepted = accept_job(self.services, self.owner, made, body)
            self.accepted = self.accepted or accepted
            self.shared.append([])
            self.metric_faults.append([*_find_metric_faults(self.request, accepted)])
        except Invalid as invalid:
            self._sort(invalid.faults, suggestion)

    def _sort(self, faults: tuple[Fault, ...], suggestion: dict[str, int | float]) -> None:
        located = [locate(fault, self.request.space, suggestion) for fault in faults]
        self.own.update({fault: None for fault, is_own in located if is_own})
        self.shared.append([fault for fault, is_own in located if not is_own])

    def find_faults(self) -> list[Fault]:
        """Returns the faults of the values, and those that no combination is without."""
        if self.own:
            return _merge_bounds(self.own)[:MOST_FAULTS]
        return self.shared[0] if all(self.shared) else []

    def find_metric_faults(self) -> list[Fault]:
        """Returns the faults of the objective's metric; some values of the space may lack it."""
        if all(self.metric_faults):
            return self.metric_faults[0]
        first = next(filter(None, self.metric_faults), [])
        more = " Other values of `space` give it: leave out those that do not."
        return [Fault(pointer=fault.pointer, detail=fault.detail + more) for fault in first]


def _merge_bounds(faults: Iterable[Fault]) -> list[Fault]:
    """Returns each fault once: at the bound that has it, or at the parameter if both have it."""
    told = {(fault.pointer, fault.detail): fault for fault in faults}
    merged: dict[Fault, None] = {}
    for (at, detail), fault in told.items():
        outer, _, name = at.rpartition("/")
        base = outer if name in _BOUNDS else at
        bounds = [bound for bound in _BOUNDS if (f"{base}/{bound}", detail) in told]
        here = f"{base}/{bounds[0]}" if len(bounds) == 1 else base
        merged[fault.at(here)] = None
    return [*merged]


def accept_sweep(
    services: JobServices, optimizer: Optimizer, owner: str, sweep: SweepRequest, data: JobData
) -> AcceptedSweep:
    """Returns the checked sweep; stores nothing.

    The first suggestion is checked as a job is, and so is each bound and each choice, with as many
    others at once as there are parameters. A combination that does not fit is no fault, unless
    none fits: its trial will fail.

    Args:
        services: The services that check a job.
        optimizer: Suggests the parameters of the first trial.
        owner: The owner of the sweep and of the records that it uses.
        sweep: The parsed request.
        data: The job request of the sweep, with the datasets that it brings.

    Raises:
        Invalid: the request has faults; each fault has its place in the sweep's request.
        Busy: too many graphs are being checked.
    """
    raise_if_any(find_sweep_faults(sweep))
    raise_if_any(find_place_faults(sweep.space, data.sent))
    raise_if_any(_find_schema_faults(sweep, data.sent))
    seed = secrets.randbelow(SEED_COUNT) if sweep.seed is None else sweep.seed
    count = count_trials(sweep)
    study = Study(sweep, seed, find_most_epochs(sweep), [])
    probes = _Probes(services, owner, sweep, data.sent, {}, [])
    probes.check(data, optimizer.suggest(study), seed)
    for suggestion in _list_extremes(sweep):
        probes.check(data, suggestion, seed)
    raise_if_any(probes.find_faults())
    if probes.accepted is None:  # each combination fails, at another place each time
        raise Invalid(fault for faults in probes.shared for fault in faults)
    raise_if_any(probes.find_metric_faults())
    return AcceptedSweep(sweep, seed, count, _list_uses(probes.accepted), probes.accepted)


def _find_schema_faults(sweep: SweepRequest, base: Any) -> Iterator[Fault]:
    """Yields the values that the schema of a job request refuses; an equal fault once."""
    for place, parameter in sweep.space.items():
        values = (
            range(len(parameter.choices))
            if isinstance(parameter, Choices)
            else (parameter.low, parameter.high)
        )
        told: set[str] = set()
        for suggested in values:
            suggestion = {place: suggested}
            try:
                validate(make_body(base, sweep.space, suggestion, 0))
            except Invalid as invalid:
                new = [fault for fault in invalid.faults if fault.detail not in told]
                told |= {fault.detail for fault in new}
                yield from (_locate_schema_fault(fault, sweep, suggestion) for fault in new)


def _locate_schema_fault(
    fault: Fault, sweep: SweepRequest, suggestion: dict[str, int | float]
) -> Fault:
    """Returns a fault at the value that has it; at its pointer if an object around it is faulty."""
    (place,) = suggestion
    if fault.detail == NO_FIELD and place.startswith(f"{fault.pointer}/"):
        near = did_you_mean(fault.pointer[1:], JobRequest.model_fields)
        detail = f"A job request has no '{clip(fault.pointer)}'.{near}"
        return Fault(pointer=pointer("space", place), detail=detail)
    if not place.startswith(f"{fault.pointer}/"):
        return locate(fault, sweep.space, suggestion)[0]
    detail = f"A value here makes no valid '{fault.pointer}': give the whole object around it in "
    detail += '`request`, e.g. {"type": "Adam", "config": {}} for an optimizer.'
    return Fault(pointer=pointer("space", place), detail=detail)


def _list_extremes(sweep: SweepRequest) -> Iterator[dict[str, int | float]]:
    """Yields suggestions in which each bound and each choice occurs, up to MOST_PROBES."""
    values = {
        place: [*range(len(parameter.choices))]
        if isinstance(parameter, Choices)
        else [parameter.low, parameter.high]
        for place, parameter in sweep.space.items()
    }
    longest = max(map(len, values.values()))
    for index in range(min(longest, MOST_PROBES)):
        yield {place: items[min(index, len(items) - 1)] for place, items in values.items()}


def _find_trial_faults(sweep: SweepRequest, request: JobRequest) -> Iterator[Fault]:
    """Yields faults if a trial does not train, or its last epoch lacks the compared validation."""
    if request.kind != "train":
        detail = f"The trials of a sweep are `train` jobs, not `{request.kind}` jobs."
        yield Fault(pointer="/kind", detail=detail)
    metric, fit = sweep.objective.metric, request.fit
    if metric.startswith("val_") and not request.validates:
        detail = f"Trials are compared by '{metric}', which needs validation rows: give a share "
        detail += "above 0, or a `validation_dataset`."
        is_split = "/validation_dataset" not in sweep.space
        place = pointer("fit", "validation_split") if is_split else "/validation_dataset"
        yield Fault(pointer=place, detail=detail)
    elif metric.startswith("val_") and not fit.validates_after(fit.epochs):
        detail = (
            f"Trials are compared by '{metric}' of their last epoch, {fit.epochs}, which is not "
        )
        detail += "validated: leave `validation_freq` out, or validate that epoch, too."
        yield Fault(pointer=pointer("fit", "validation_freq"), detail=detail)


def _find_metric_faults(sweep: SweepRequest, accepted: AcceptedJob) -> Iterator[Fault]:
    metric, reported = sweep.objective.metric, accepted.reported
    at = pointer("objective", "metric")
    if metric not in reported:
        names = ", ".join(f"'{name}'" for name in list(reported)[:MOST_NAMED])
        detail = f"The training reports no '{clip(metric)}'; there are {names}."
        yield Fault(pointer=at, detail=detail + did_you_mean(metric, reported))
    elif reported[metric]:
        detail = f"'{metric}' has several values, and an objective has one. Give the metric an "
        yield Fault(pointer=at, detail=f"{detail}`average`.")


def _list_uses(accepted: AcceptedJob) -> frozenset[str]:
    assert isinstance(accepted.plan, Plan)
    request, plan = accepted.request, accepted.plan
    named = {
        plan.graph_id,
        request.model,
        request.donor_id,
        *request.dataset_ids.values(),
        *plan.sources,
    }
    return frozenset(name for name in named if name is not None)
