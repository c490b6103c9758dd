"""Trials are pruned at the epoch at which Optuna's own loop prunes them."""

from typing import Any

import optuna
import pytest
from optuna.distributions import BaseDistribution, FloatDistribution

from application.sweeps.study import make_seed
from tests.api.requests import made
from tests.support.api_server import Server
from tests.support.service import until
from tests.support.trial_worker import TrialWorker

RATE = "/compile/optimizer/config/learning_rate"
SPACE = {RATE: {"low": 0.0, "high": 1.0}}
DISTRIBUTIONS: dict[str, BaseDistribution] = {RATE: FloatDistribution(0, 1)}
EPOCHS = 9
TRIALS = 14


def curve(request: dict[str, Any], epoch: int) -> float:
    rate: float = request["compile"]["optimizer"]["config"]["learning_rate"]
    return rate * (1 - 1 / (epoch + 1))


def find_ends(pruner: optuna.pruners.BasePruner) -> list[tuple[float, int]]:
    """Returns the parameter and the last epoch of each trial of Optuna's own loop."""
    direct = optuna.create_study(study_name="sweep-7", pruner=pruner, direction="maximize")
    ends = []
    for number in range(TRIALS):
        direct.sampler = optuna.samplers.RandomSampler(seed=make_seed(7, number))
        trial = direct.ask(DISTRIBUTIONS)
        rate = trial.params[RATE]
        request = {"compile": {"optimizer": {"config": {"learning_rate": rate}}}}
        state, epoch = optuna.trial.TrialState.COMPLETE, 0
        while epoch < EPOCHS and state is optuna.trial.TrialState.COMPLETE:
            epoch += 1
            trial.report(curve(request, epoch), epoch)
            if trial.should_prune():
                state = optuna.trial.TrialState.PRUNED
        is_whole = state is optuna.trial.TrialState.COMPLETE
        direct.tell(trial, curve(request, epoch) if is_whole else None, state)
        ends.append((rate, epoch if not is_whole else EPOCHS))
    return ends


@pytest.mark.parametrize(
    ("name", "pruner"),
    [
        ("median", optuna.pruners.MedianPruner()),
        ("hyperband", optuna.pruners.HyperbandPruner(min_resource=1, max_resource=EPOCHS)),
    ],
)
def test_trials_end_where_optunas_own_loop_ends_them(
    alone: Server, job: dict[str, Any], name: str, pruner: optuna.pruners.BasePruner
) -> None:
    request = {
        "request": {**job, "fit": {**job["fit"], "epochs": EPOCHS}},
        "space": SPACE,
        "objective": {"metric": "val_loss", "direction": "maximize"},
        **{"trials": TRIALS, "seed": 7, "sampler": "random", "pruner": name},
    }
    sweep = made(alone.client.post("/v1/sweeps", json=request), 202)
    address = f"/v1/sweeps/{sweep['id']}"
    worker = TrialWorker(alone.parts, "val_loss", curve)

    def is_ended() -> dict[str, Any] | None:
        claimed = worker.claim()
        if claimed is not None:  # all epochs at once: the pruner sees them later, in order
            for epoch in range(1, EPOCHS + 1):
                worker.run_epoch(*claimed, epoch)
            worker.succeed(*claimed, EPOCHS)
        found = made(alone.client.get(address), 200)
        return found if found["is_terminal"] else None

    ended = until(is_ended, "the end of the sweep")
    assert ended["state"] == "succeeded"
    trials = made(alone.client.get(f"{address}/trials"), 200)["items"]
    found = [(trial["parameters"][RATE], trial["epoch"]) for trial in trials]
    assert found == find_ends(pruner)
    pruned = [trial for trial in trials if trial["state"] == "pruned"]
    assert 0 < len(pruned) < TRIALS
    assert [trial["model"] for trial in pruned] == [None] * len(pruned)


def test_a_running_trial_is_ended_within_the_next_epoch(alone: Server, job: dict[str, Any]) -> None:
    request = {
        "request": {**job, "fit": {**job["fit"], "epochs": EPOCHS}},
        "space": {RATE: {"choices": [0.9, 0.8, 0.7, 0.6, 0.5, 0.1]}},
        "objective": {"metric": "val_loss", "direction": "maximize"},
        **{"sampler": "grid", "pruner": "median", "seed": 7},
    }
    sweep = made(alone.client.post("/v1/sweeps", json=request), 202)
    address = f"/v1/sweeps/{sweep['id']}/trials"
    order: list[float] = []

    def value(request: dict[str, Any], epoch: int) -> float:
        """Each trial is worse than those before it."""
        rate = request["compile"]["optimizer"]["config"]["learning_rate"]
        if rate not in order:
            order.append(rate)
        return -float(order.index(rate))

    worker = TrialWorker(alone.parts, "val_loss", value)
    for _ in range(5):
        claimed = until(worker.claim, "a job")
        worker.run_epoch(*claimed, 1)
        worker.succeed(*claimed, 1)
    claimed = until(worker.claim, "the last job")
    assert worker.run_epoch(*claimed, 1).value == "running"

    def find_pruned() -> dict[str, Any] | None:
        last = made(alone.client.get(address), 200)["items"][-1]
        return last if last["state"] == "pruned" else None

    pruned = until(find_pruned, "the pruning")
    assert (pruned["epoch"], pruned["value"]) == (1, -5.0)
    found = made(alone.client.get(f"/v1/jobs/{claimed[0].job_id}"), 200)
    assert (found["state"], found["transitions"][-1]["reason"]) == (
        "cancelling",
        "pruned by its sweep",
    )
    worker.cancel(claimed[0])
    ended = f"/v1/sweeps/{sweep['id']}"
    until(lambda: made(alone.client.get(ended), 200)["is_terminal"] or None, "the end")
