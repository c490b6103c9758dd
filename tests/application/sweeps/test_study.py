"""Suggestions, prunings and importances equal those of Optuna, used directly."""

from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import GridSampler, RandomSampler, TPESampler

from application.sweeps.study import compute_importances, judge, make_seed, suggest
from domain.sweeps.request import SweepRequest
from domain.sweeps.study import PastTrial, Study
from domain.sweeps.sweep import TrialState

SEED = 11
EPOCHS = 9
SPACE = {
    "/rate": {"low": 1e-4, "high": 0.1, "log": True},
    "/units": {"low": 4, "high": 64, "step": 4},
    "/activation": {"choices": ["relu", {"type": "ELU"}, None]},
    "/drop": {"low": 0, "high": 1, "type": "float"},
}
DISTRIBUTIONS = {
    "/rate": FloatDistribution(1e-4, 0.1, log=True),
    "/units": IntDistribution(4, 64, step=4),
    "/activation": CategoricalDistribution((0, 1, 2)),
    "/drop": FloatDistribution(0.0, 1.0),
}


def request(sampler: str, pruner: str = "none", **changes: Any) -> SweepRequest:
    body = {
        "request": {"graph": "graph_00000000000000000000000000"},
        "space": SPACE,
        "objective": {"metric": "loss", "direction": "minimize"},
        "trials": 40,
        "sampler": sampler,
        "pruner": pruner,
        **changes,
    }
    return SweepRequest.model_validate(body)


def objective(parameters: dict[str, Any]) -> float:
    rate, units = np.log10(parameters["/rate"]), parameters["/units"]
    return float((rate + 2) ** 2 + abs(units - 20) / 40 + parameters["/activation"] / 10)


def curve(parameters: dict[str, Any], epoch: int) -> float:
    """The objective of an epoch, which falls towards that of the last one, at different speeds."""
    return objective(parameters) + (1 + parameters["/drop"]) / epoch


def ended(parameters: dict[str, Any], value: float) -> PastTrial:
    return PastTrial(TrialState.SUCCEEDED, parameters, value)


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_suggestions_are_those_of_one_study_with_a_sampler_for_each_trial(sampler: str) -> None:
    direct = optuna.create_study()
    past: list[PastTrial] = []
    kind = {"tpe": TPESampler, "random": RandomSampler}[sampler]
    for number in range(20):
        direct.sampler = kind(seed=make_seed(SEED, number))
        trial = direct.ask(DISTRIBUTIONS)
        found = suggest(Study(request(sampler), SEED, EPOCHS, past))
        assert found == trial.params
        value = objective(found)
        if number % 6 == 5:
            direct.tell(trial, state=optuna.trial.TrialState.FAIL)
            past.append(PastTrial(TrialState.FAILED, found))
        else:
            direct.tell(trial, value)
            past.append(ended(found, value))


def test_parallel_trials_differ_and_running_ones_are_known_to_optuna() -> None:
    direct = optuna.create_study()
    past: list[PastTrial] = []
    for number in range(14):
        direct.sampler = TPESampler(seed=make_seed(SEED, number))
        trial = direct.ask(DISTRIBUTIONS)
        found = suggest(Study(request("tpe"), SEED, EPOCHS, past))
        assert found == trial.params
        if number < 11:
            direct.tell(trial, objective(found))
            past.append(ended(found, objective(found)))
        else:
            past.append(PastTrial(TrialState.RUNNING, found))
    assert len({str(trial.suggestion) for trial in past}) == len(past)


def test_a_grid_is_walked_once_in_the_order_of_optuna() -> None:
    space = {"/a": {"choices": ["x", "y", "z"]}, "/b": {"low": 0.0, "high": 0.2, "step": 0.1}}
    points: dict[str, Any] = {"/a": [0, 1, 2], "/b": [0.0, 0.1, 0.2]}
    direct = optuna.create_study(sampler=GridSampler(points, seed=SEED))
    kinds = {"/a": CategoricalDistribution((0, 1, 2)), "/b": FloatDistribution(0, 0.2, step=0.1)}
    past: list[PastTrial] = []
    for _ in range(9):
        found = suggest(Study(request("grid", space=space), SEED, EPOCHS, past))
        assert found == direct.ask(kinds).params
        past.append(ended(found, 1.0))
    assert len({str(trial.suggestion) for trial in past}) == 9


def make_direct(pruner: str) -> optuna.Study:
    made: optuna.pruners.BasePruner = optuna.pruners.MedianPruner()
    if pruner == "hyperband":
        made = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=EPOCHS)
    return optuna.create_study(study_name=f"sweep-{SEED}", pruner=made)


def train_directly(direct: optuna.Study) -> tuple[dict[str, Any], int | None]:
    """Runs the next trial by Optuna's own loop; returns its parameters and the last epoch."""
    trial = direct.ask(DISTRIBUTIONS)
    for epoch in range(1, EPOCHS + 1):
        trial.report(curve(trial.params, epoch), epoch)
        if trial.should_prune():
            direct.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return trial.params, epoch
    direct.tell(trial, curve(trial.params, EPOCHS))
    return trial.params, None


def judge_stepwise(study: Study, parameters: dict[str, Any], parts: int) -> PastTrial:
    """Shows the epochs of the last trial in some parts; returns how it ends."""
    number = len(study.trials) - 1
    for epochs in np.array_split(np.arange(1, EPOCHS + 1), parts):
        values = {int(epoch): curve(parameters, int(epoch)) for epoch in epochs}
        verdict = judge(study, number, values)
        last = study.trials[-1]
        shown = {**last.values, **values}
        if verdict.pruned_at is not None:
            value = values[verdict.pruned_at]
            return PastTrial(
                TrialState.PRUNED, parameters, value, verdict.pruned_at, verdict.attributes, {}
            )
        study.trials[-1] = PastTrial(
            TrialState.RUNNING, parameters, None, None, verdict.attributes, shown
        )
    last, final = study.trials[-1], curve(parameters, EPOCHS)
    return PastTrial(TrialState.SUCCEEDED, parameters, final, EPOCHS, last.attributes, last.values)


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
@pytest.mark.parametrize("parts", [1, 4])
def test_prunings_are_those_of_optunas_own_loop(pruner: str, parts: int) -> None:
    direct, past = make_direct(pruner), list[PastTrial]()
    pruned = 0
    for number in range(24):
        direct.sampler = TPESampler(seed=make_seed(SEED, number))
        parameters, epoch = train_directly(direct)
        sweep = request("tpe", pruner)
        assert suggest(Study(sweep, SEED, EPOCHS, past)) == parameters
        running = PastTrial(TrialState.RUNNING, parameters)
        last = judge_stepwise(Study(sweep, SEED, EPOCHS, [*past, running]), parameters, parts)
        assert last.epoch == (EPOCHS if epoch is None else epoch)
        pruned += epoch is not None
        past.append(last)
    assert 3 < pruned < 24


def test_importances_are_those_of_optuna() -> None:
    direct, past = optuna.create_study(), list[PastTrial]()
    for number in range(30):
        direct.sampler = RandomSampler(seed=make_seed(SEED, number))
        trial = direct.ask(DISTRIBUTIONS)
        direct.tell(trial, objective(trial.params))
        past.append(ended(trial.params, objective(trial.params)))
    found = compute_importances(Study(request("random"), SEED, EPOCHS, past))
    assert found == optuna.importance.get_param_importances(direct)
    assert found is not None
    assert sum(found.values()) == pytest.approx(1)


def test_few_trials_have_no_importances() -> None:
    parameters = {"/rate": 0.01, "/units": 4, "/activation": 0, "/drop": 0.5}
    past = [ended(parameters, float(value)) for value in range(3)]
    assert compute_importances(Study(request("random"), SEED, EPOCHS, past)) is None
