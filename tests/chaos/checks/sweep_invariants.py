"""Invariants of sweeps and of their trials."""

from application.sweeps.study import suggest
from domain.sweeps.request import SweepRequest
from domain.sweeps.study import PastTrial, Study
from domain.sweeps.sweep import TrialState
from tests.chaos.checks.evidence import Evidence, Found
from tests.chaos.load.sweeper import TRIALS, SweepRecord


def sweeps_end_once(evidence: Evidence) -> Found:
    """Each sweep was accepted once, and has succeeded with all of its trials."""
    known = {record.sweep for record in evidence.sweeps}
    for sweep in {job["sweep"] for job in evidence.jobs.values() if job["sweep"]} - known:
        yield sweep, "no client has the id of this sweep"
    for record in evidence.sweeps:
        if record.final is None:
            yield record.key, "was not seen to end"
        elif record.final["state"] != "succeeded" or record.final["trials"]["succeeded"] != TRIALS:
            yield record.key, f"ended as {record.final}: {record.trials}"


def trials_are_made_once(evidence: Evidence) -> Found:
    """Each number has one trial with one job, with the parameters of its seed."""
    for record in evidence.sweeps:
        numbers = [trial["number"] for trial in record.trials]
        if numbers != [*range(len(numbers))]:
            yield record.key, f"its trials are numbered {numbers}"
        named = sorted(str(trial["job"]) for trial in record.trials)
        made = sorted(j["id"] for j in evidence.jobs.values() if j["sweep"] == record.sweep)
        if record.final is not None and named != made:
            yield record.key, f"its trials name the jobs {named}, and it has {made}"
        if [trial["parameters"] for trial in record.trials] != _suggest_all(record):
            yield record.key, "its parameters are not those that its seed gives"


def _suggest_all(record: SweepRecord) -> list[dict[str, int | float]]:
    request = SweepRequest.model_validate(record.body)
    past: list[PastTrial] = []
    for _ in record.trials:
        study = Study(request, record.body["seed"], request.request.fit.epochs, past)
        past.append(PastTrial(TrialState.FAILED, suggest(study)))
    return [dict(trial.suggestion) for trial in past]


def the_best_model_is_kept(evidence: Evidence) -> Found:
    """The best trial has the lowest value and its model, and no other trial has one."""
    models = {model["job"]: model["id"] for model in evidence.models}
    for record in evidence.sweeps:
        if record.final is None or record.final["best"] is None:
            continue
        best = min(record.trials, key=lambda trial: (trial["value"], trial["number"]))
        if record.final["best"] != best:
            yield record.key, f"its best trial is {record.final['best']}, not {best}"
        kept = {trial["job"] for trial in record.trials} & models.keys()
        if kept != {best["job"]}:
            yield record.key, f"the jobs {kept} have models; the best is {best['job']}"
