"""`/v1/sweeps`: accepts, rejects, runs, cancels and deletes sweeps."""

import math
from typing import Any

import optuna
import pytest
from optuna.distributions import BaseDistribution, FloatDistribution

from application.sweeps.study import make_seed
from tests.api.requests import faults, made
from tests.support.api_server import Server
from tests.support.service import until
from tests.support.trial_worker import TrialWorker

RATE = "/compile/optimizer/config/learning_rate"
UNITS = "/graph/nodes/0/layer/config/units"
SPACE = {RATE: {"low": 1e-4, "high": 0.1, "log": True}}
DISTRIBUTIONS: dict[str, BaseDistribution] = {RATE: FloatDistribution(1e-4, 0.1, log=True)}
JobBody = dict[str, Any]


def body(job: JobBody, **changes: Any) -> dict[str, Any]:
    return {
        "request": job,
        "space": SPACE,
        "objective": {"metric": "val_loss", "direction": "minimize"},
        "trials": 4,
        "seed": 7,
        **changes,
    }


def curve(request: dict[str, Any], epoch: int) -> float:
    rate = request["compile"]["optimizer"]["config"]["learning_rate"]
    return float(abs(math.log10(rate) + 2) + 1 / epoch)


def run(alone: Server, sweep: dict[str, Any], worker: TrialWorker) -> dict[str, Any]:
    """Runs the jobs of a sweep until it has ended."""

    def is_ended() -> dict[str, Any] | None:
        worker.run_next()
        found: dict[str, Any] = made(alone.client.get(f"/v1/sweeps/{sweep['id']}"), 200)
        return found if found["is_terminal"] else None

    return until(is_ended, "the end of the sweep")


def list_trials(alone: Server, sweep: dict[str, Any]) -> list[dict[str, Any]]:
    answer = made(alone.client.get(f"/v1/sweeps/{sweep['id']}/trials"), 200)
    items: list[dict[str, Any]] = answer["items"]
    return items


def get_job(alone: Server, trial: dict[str, Any]) -> dict[str, Any]:
    return made(alone.client.get(f"/v1/jobs/{trial['job']}"), 200)


def refused(alone: Server, job: JobBody, **changes: Any) -> dict[str, str]:
    return faults(alone.client.post("/v1/sweeps", json=body(job, **changes)))


def test_a_sweep_runs_the_trials_that_optuna_suggests(alone: Server, job: JobBody) -> None:
    answer = alone.client.post("/v1/sweeps", json=body(job, trials=12))
    sweep = made(answer, 202)
    assert answer.headers["location"] == f"/v1/sweeps/{sweep['id']}"
    assert (sweep["state"], sweep["is_terminal"], sweep["best"]) == ("running", False, None)
    worker = TrialWorker(alone.parts, "val_loss", curve)
    ended = run(alone, sweep, worker)
    assert (ended["state"], ended["error"]) == ("succeeded", None)
    assert ended["trials"] == {
        "total": 12, "running": 0, "succeeded": 12, "pruned": 0, "failed": 0, "cancelled": 0,
    }  # fmt: skip
    trials = list_trials(alone, sweep)
    direct = optuna.create_study()
    for number, trial in enumerate(trials):
        direct.sampler = optuna.samplers.TPESampler(seed=make_seed(7, number))
        asked = direct.ask(DISTRIBUTIONS)
        assert trial["parameters"] == asked.params
        assert trial["value"] == curve(get_job(alone, trial)["request"], 3)
        direct.tell(asked, trial["value"])
    best = ended["best"]
    assert (best["number"], best["value"]) == (direct.best_trial.number, direct.best_value)
    assert ended["importances"] == {RATE: 1.0}
    kept = {item["id"] for item in alone.client.get("/v1/models").json()["items"]}
    assert [trial["model"] for trial in trials if trial["model"] in kept] == [best["model"]]
    assert best["epoch"] == 3


def test_the_jobs_of_a_sweep_are_listed_and_have_one_seed(alone: Server, job: JobBody) -> None:
    sweep = made(alone.client.post("/v1/sweeps", json=body(job, trials=2, sampler="random")), 202)
    run(alone, sweep, TrialWorker(alone.parts, "val_loss", curve))
    jobs = alone.client.get("/v1/jobs", params={"sweep": sweep["id"]}).json()["items"]
    assert [item["sweep"] for item in jobs] == [sweep["id"]] * 2
    assert [item["request"]["seed"] for item in jobs] == [7, 7]
    assert {trial["job"] for trial in list_trials(alone, sweep)} == {item["id"] for item in jobs}


def test_all_models_are_kept_if_asked(alone: Server, job: JobBody) -> None:
    request = body(job, trials=3, keep="all", sampler="random", parallel=3)
    sweep = made(alone.client.post("/v1/sweeps", json=request), 202)
    run(alone, sweep, TrialWorker(alone.parts, "val_loss", curve))
    trials = list_trials(alone, sweep)
    assert all(alone.client.get(f"/v1/models/{t['model']}").is_success for t in trials)


def test_a_combination_that_does_not_fit_is_a_failed_trial(alone: Server, job: JobBody) -> None:
    space = {UNITS: {"choices": [3, 4]}}
    request = body(job, space=space, sampler="grid", trials=None)
    sweep = made(alone.client.post("/v1/sweeps", json=request), 202)
    ended = run(alone, sweep, TrialWorker(alone.parts, "val_loss", lambda *_: 1.0))
    trials = {trial["parameters"][UNITS]: trial for trial in list_trials(alone, sweep)}
    assert (ended["state"], ended["best"]["parameters"]) == ("succeeded", {UNITS: 3})
    assert (trials[4]["state"], trials[4]["job"]) == ("failed", None)
    assert trials[4]["error"]["errors"][0]["pointer"].startswith("/compile/loss")


def test_a_metric_that_is_nan_fails_its_trial(alone: Server, job: JobBody) -> None:
    sweep = made(alone.client.post("/v1/sweeps", json=body(job, trials=2)), 202)
    ended = run(alone, sweep, TrialWorker(alone.parts, "val_loss", lambda *_: math.nan))
    assert (ended["state"], ended["best"], ended["trials"]["failed"]) == ("failed", None, 2)
    assert "'val_loss' of the model is NaN" in ended["error"]["detail"]


def test_a_sweep_is_cancelled_with_its_jobs(alone: Server, job: JobBody) -> None:
    sweep = made(alone.client.post("/v1/sweeps", json=body(job, parallel=2)), 202)
    address = f"/v1/sweeps/{sweep['id']}"
    until(lambda: len(list_trials(alone, sweep)) == 2 or None, "two trials")
    tag = alone.client.get(address).headers["etag"]
    assert alone.client.get(address, headers={"If-None-Match": tag}).status_code == 304
    faults(alone.client.delete(address), 409)
    dataset = alone.client.delete(f"/v1/datasets/{job['dataset']}")
    faults(dataset, 409)
    made(alone.client.post(f"{address}/cancel"), 202)
    until(lambda: alone.client.get(address).json()["is_terminal"] or None, "the end")
    ended = alone.client.get(address).json()
    assert (ended["state"], ended["trials"]["cancelled"]) == ("cancelled", 2)
    states = [get_job(alone, trial)["state"] for trial in list_trials(alone, sweep)]
    assert states == ["cancelled"] * 2
    assert alone.client.delete(address).status_code == 204
    faults(alone.client.get(address), 404)


def test_a_repeated_request_starts_one_sweep(alone: Server, job: JobBody) -> None:
    headers = {"Idempotency-Key": "one sweep"}
    request = body(job, trials=1)
    ids = {
        made(alone.client.post("/v1/sweeps", json=request, headers=headers), 202)["id"]
        for _ in range(2)
    }
    assert len(ids) == 1
    made(alone.client.post(f"/v1/sweeps/{ids.pop()}/cancel"), 202)


@pytest.mark.parametrize(
    ("changes", "pointer", "told"),
    [
        ({"space": {"/fit/epoch": {"low": 1, "high": 2}}}, "/space/~1fit~1epoch/low", "no such"),
        ({"space": {"/fit/epochs": {"low": 0, "high": 2}}}, "/space/~1fit~1epochs/low", "1"),
        (
            {"space": {"/compile/optimizer": {"choices": ["adam", "adamm"]}}},
            "/space/~1compile~1optimizer/choices/1",
            "Did you mean",
        ),
        (
            {"space": {UNITS: {"low": 0, "high": 3}}},
            "/space/~1graph~1nodes~10~1layer~1config~1units/low",
            "",
        ),
        ({"space": {"/compile/loss/x": {"low": 1, "high": 2}}}, "/space/~1compile~1loss~1x", "mse"),
        (
            {"objective": {"metric": "val_los", "direction": "minimize"}},
            "/objective/metric",
            "Did you mean 'val_loss'?",
        ),
        ({"sampler": "grid"}, "/space/~1compile~1optimizer~1config~1learning_rate", "choices"),
        ({"trials": 1001}, "/trials", "1000"),
        (
            {"space": {"/fitt/epochs": {"low": 1, "high": 2}}},
            "/space/~1fitt~1epochs",
            "no '/fitt'. Did you mean 'fit'?",
        ),
        ({"space": {"/fit/~2": {"low": 1, "high": 2}}}, "/space/~1fit~1~02", "'~0'"),
        (
            {"space": {"/fit/epochs": {"low": 1, "high": 2, "choices": [1]}}},
            "/space/~1fit~1epochs",
            "not both",
        ),
        (
            {"space": {"/compile/optimizer/config/rate": {"low": 1, "high": 2}}},
            "/space/~1compile~1optimizer~1config~1rate",
            "no argument 'rate'",
        ),
        ({"space": {"/kind": {"choices": ["train", "build"]}}}, "/space/~1kind/choices/1", "train"),
        (
            {"space": {"/fit/validation_split": {"choices": [0.25, 0]}}},
            "/space/~1fit~1validation_split/choices/1",
            "validation rows",
        ),
        (
            {
                "space": {"/compile/metrics": {"choices": [["mae"], ["mse"]]}},
                "objective": {"metric": "mae", "direction": "minimize"},
            },
            "/objective/metric",
            "Other values",
        ),
    ],
)
def test_a_fault_is_told_at_its_place(
    alone: Server, job: JobBody, changes: dict[str, Any], pointer: str, told: str
) -> None:
    found = refused(alone, job, **changes)
    assert pointer in found, found
    assert told in found[pointer]


def test_a_fault_of_a_whole_range_is_told_once(alone: Server, job: JobBody) -> None:
    place = "/compile/optimizer/config/rate"
    found = refused(alone, job, space={place: {"low": 0.1, "high": 0.2}})
    assert [*found] == ["/space/" + place.replace("/", "~1")]


def test_the_space_may_give_the_validation(alone: Server, job: JobBody) -> None:
    space = {"/fit/validation_split": {"low": 0.2, "high": 0.4}}
    request = body({**job, "fit": {"epochs": 3}}, space=space, trials=1)
    sweep = made(alone.client.post("/v1/sweeps", json=request), 202)
    made(alone.client.post(f"/v1/sweeps/{sweep['id']}/cancel"), 202)


def test_a_fault_of_the_job_is_told_at_its_place(alone: Server, job: JobBody) -> None:
    wrong = {**job, "compile": {**job["compile"], "loss": "mze"}}
    assert "/request/compile/loss" in refused(alone, wrong)
    without = refused(alone, {**job, "compile": {"loss": "mse"}})
    assert "the whole object" in without["/space/~1compile~1optimizer~1config~1learning_rate"]
    between = {**job["fit"], "epochs": 3, "validation_freq": 2}
    assert "/request/fit/validation_freq" in refused(alone, {**job, "fit": between})
    unknown = "dataset_01jdq7n5t2c4x6y8z0b1d3f5g7"
    assert "/request/dataset" in refused(alone, {**job, "dataset": unknown})


def test_a_sweep_may_bring_its_data(alone: Server, job: JobBody) -> None:
    data = {"columns": {"x": [[1.0] * 4] * 8, "y": [[1.0] * 3] * 8}}
    request = body({**job, "dataset": data}, trials=1)
    sweep = made(alone.client.post("/v1/sweeps", json=request), 202)
    named = sweep["request"]["request"]["dataset"]
    assert alone.client.get(f"/v1/datasets/{named}").json()["rows"] == 8
    made(alone.client.post(f"/v1/sweeps/{sweep['id']}/cancel"), 202)
    uneven = {"columns": {"x": [[1.0] * 4] * 8, "y": [[1.0] * 3] * 7}}
    assert "/request/dataset/columns/y" in refused(alone, {**job, "dataset": uneven})
