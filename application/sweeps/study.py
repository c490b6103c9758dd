"""Asks Optuna: suggests parameters, prunes trials and computes importances.

These functions run in a process of their own. Each builds Optuna's study in memory from the trials
that it is given, so that equal trials always give equal answers.
"""

import hashlib
import logging
import warnings
from collections.abc import Mapping

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, GridSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, create_trial
from optuna.trial import TrialState as OptunaState

from domain.sweeps.request import Choices, Parameter, SweepRequest
from domain.sweeps.rules import list_points
from domain.sweeps.study import PastTrial, Study, Verdict
from domain.sweeps.sweep import TrialState

_STATES = {
    TrialState.RUNNING: OptunaState.RUNNING,
    TrialState.SUCCEEDED: OptunaState.COMPLETE,
    TrialState.PRUNED: OptunaState.PRUNED,
    TrialState.FAILED: OptunaState.FAIL,
    TrialState.CANCELLED: OptunaState.FAIL,
}
FEWEST_SUCCEEDED = 4
"""Importances of fewer trials say nothing."""

optuna.logging.set_verbosity(optuna.logging.ERROR)
logging.getLogger("optuna").setLevel(logging.ERROR)


def suggest(study: Study) -> dict[str, int | float]:
    """Suggests the parameters of the next trial.

    The random numbers depend on the seed of the sweep and on the number of the trial alone.

    Returns:
        By pointer: a number of a range, or the index of a choice.
    """
    number = len(study.trials)
    made = _make_study(study, make_sampler(study.request, study.seed, number))
    trial = made.ask(make_distributions(study.request))
    assert trial.number == number
    return {name: trial.params[name] for name in study.request.space}


def judge(study: Study, number: int, values: Mapping[int, float]) -> Verdict:
    """Shows new epochs of a running trial to the pruner, one after the other.

    Args:
        study: The sweep. Other trials need their values at these epochs, the trial itself those
            before them.
        number: The number of the trial.
        values: The objective by epoch.
    """
    made = _make_study(study, RandomSampler(seed=0))
    storage, trial_id = made._storage, made.get_trials(deepcopy=False)[number]._trial_id
    pruned_at = None
    for epoch, value in sorted(values.items()):
        storage.set_trial_intermediate_value(trial_id, epoch, value)
        if made.pruner.prune(made, storage.get_trial(trial_id)):
            pruned_at = epoch
            break
    return Verdict(pruned_at, dict(storage.get_trial(trial_id).system_attrs))


def compute_importances(study: Study) -> dict[str, float] | None:
    """Computes the importance of each parameter; None if too few trials have succeeded."""
    succeeded = [trial for trial in study.trials if trial.state is TrialState.SUCCEEDED]
    if len(succeeded) < FEWEST_SUCCEEDED:
        return None
    from optuna.importance import get_param_importances  # noqa: PLC0415 - loads slowly

    made = _make_study(study, RandomSampler(seed=0))
    found = get_param_importances(made)
    return {name: float(found[name]) for name in study.request.space if name in found}


def make_seed(seed: int, number: int) -> int:
    """Returns the seed of the sampler of one trial, from 0 to 2^32 - 1."""
    digest = hashlib.sha256(f"{seed}/{number}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def make_sampler(request: SweepRequest, seed: int, number: int) -> BaseSampler:
    """Returns the sampler of one trial. A grid has one order for all trials."""
    if request.sampler == "grid":
        points = {name: list_points(parameter) for name, parameter in request.space.items()}
        return GridSampler(points, seed=seed)
    kind = TPESampler if request.sampler == "tpe" else RandomSampler
    return kind(seed=make_seed(seed, number))


def make_pruner(request: SweepRequest, epochs: int) -> BasePruner:
    """Returns the pruner. The resource of Hyperband is the number of epochs."""
    if request.pruner == "median":
        return MedianPruner()
    if request.pruner == "hyperband":
        return HyperbandPruner(min_resource=1, max_resource=epochs)
    return NopPruner()


def make_distributions(request: SweepRequest) -> dict[str, BaseDistribution]:
    """Returns Optuna's distributions by pointer."""
    return {name: _make_distribution(parameter) for name, parameter in request.space.items()}


def _make_distribution(parameter: Parameter) -> BaseDistribution:
    if isinstance(parameter, Choices):
        return CategoricalDistribution(range(len(parameter.choices)))
    low, high, step = parameter.low, parameter.high, parameter.step
    if parameter.is_whole:
        return IntDistribution(int(low), int(high), parameter.log, int(step or 1))
    return FloatDistribution(float(low), float(high), parameter.log, step)


def _make_study(study: Study, sampler: BaseSampler) -> optuna.Study:
    """Returns a study in memory. Its name decides the brackets of Hyperband."""
    made = optuna.create_study(
        study_name=f"sweep-{study.seed}",
        direction=study.request.objective.direction,
        sampler=sampler,
        pruner=make_pruner(study.request, study.epochs),
    )
    distributions = make_distributions(study.request)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.add_trials([_make_trial(trial, distributions) for trial in study.trials])
    if study.trials:  # Hyperband makes its brackets when it first sees a trial
        made.pruner.prune(made, create_trial(state=OptunaState.RUNNING))
    return made


def _make_trial(trial: PastTrial, distributions: dict[str, BaseDistribution]) -> FrozenTrial:
    state = _STATES[trial.state]
    values = dict(trial.values)
    if trial.state is TrialState.PRUNED and trial.epoch is not None and trial.value is not None:
        values[trial.epoch] = trial.value
    is_valued = state in (OptunaState.COMPLETE, OptunaState.PRUNED)
    return create_trial(
        state=state,
        value=trial.value if is_valued else None,
        params=dict(trial.suggestion),
        distributions=distributions,
        system_attrs=dict(trial.attributes),
        intermediate_values=values,
    )
