"""A sweep whose processes are killed makes each trial once, and the same ones."""

from typing import Any

import httpx
import numpy as np
import pytest

from tests.support.service import Service, until

pytestmark = pytest.mark.slow

RATE = "/compile/optimizer/config/learning_rate"
UNITS = "/graph/nodes/0/layer/config/units"
TRIALS = 8
Trials = list[dict[str, Any]]


def start(service: Service, dataset: str, **changes: Any) -> str:
    """Starts a sweep; returns its address."""
    dense = {"type": "Dense", "config": {"units": 8, "activation": "relu"}}
    graph = {
        "inputs": [{"name": "x", "shape": [4]}],
        "nodes": [
            {"name": "hidden", "layer": dense, "inputs": "x"},
            {"name": "y", "layer": {"type": "Dense", "config": {"units": 1}}, "inputs": "hidden"},
        ],
        "outputs": ["y"],
    }
    body = {
        "request": {
            "graph": graph,
            "dataset": dataset,
            "compile": {"optimizer": {"type": "Adam"}, "loss": "mse"},
            "fit": {"epochs": 6, "batch_size": 8},
        },
        "space": {RATE: {"low": 1e-4, "high": 0.1, "log": True}, UNITS: {"low": 4, "high": 32}},
        "objective": {"metric": "loss", "direction": "minimize"},
        **{"trials": TRIALS, "seed": 5},
        **changes,
    }
    answer = service.client.post("/v1/sweeps", json=body)
    assert answer.status_code == 202, answer.text
    address: str = answer.headers["location"]
    return address


def list_trials(service: Service, address: str) -> Trials:
    items: Trials = service.client.get(f"{address}/trials").json()["items"]
    return items


def await_trials(service: Service, address: str, count: int) -> None:
    until(lambda: len(list_trials(service, address)) >= count or None, f"{count} trials")


def end(service: Service, address: str) -> tuple[dict[str, Any], Trials]:
    """Waits for the end of a sweep; returns it with its trials."""

    def find_end() -> dict[str, Any] | None:
        sweep: dict[str, Any] = service.client.get(address).json()
        return sweep if sweep["is_terminal"] else None

    return until(find_end, "the end of the sweep"), list_trials(service, address)


def is_ready(service: Service) -> bool:
    try:
        return service.client.get("/readyz").is_success
    except httpx.TransportError:  # the API is being started again
        return False


def describe(trials: Trials) -> list[Any]:
    return [(trial["parameters"], trial["state"], trial["value"]) for trial in trials]


def make_dataset(service: Service) -> str:
    x = np.random.default_rng(2).random((400, 4)).round(3)
    return service.dataset({"x": x, "y": x.sum(axis=1)})


def test_a_killed_service_and_a_killed_worker_change_no_trial(service: Service) -> None:
    dataset = make_dataset(service)
    undisturbed = start(service, dataset)
    plain, expected = end(service, undisturbed)
    killed = start(service, dataset)
    await_trials(service, killed, 2)
    service.part("worker").kill()
    await_trials(service, killed, 3)
    service.training_process().kill()
    await_trials(service, killed, 4)
    service.kill()
    service.start()
    await_trials(service, killed, 6)
    service.part("api").kill()
    until(lambda: is_ready(service) or None, "the API")
    ended, trials = end(service, killed)
    assert describe(trials) == describe(expected)
    assert (ended["state"], ended["best"]["number"]) == ("succeeded", plain["best"]["number"])
    jobs = service.client.get("/v1/jobs", params={"sweep": ended["id"]}).json()["items"]
    assert sorted(job["id"] for job in jobs) == sorted(trial["job"] for trial in trials)
    models = service.client.get("/v1/models").json()["items"]
    own = {trial["job"] for trial in trials}
    assert [model["id"] for model in models if model["job"] in own] == [ended["best"]["model"]]


def test_trials_that_promise_little_end_early(service: Service) -> None:
    """Five trials learn well; the others hardly change a weight."""
    rates = [0.05, 0.04, 0.03, 0.02, 0.01, 1e-9, 1e-10]
    dataset = make_dataset(service)
    address = start(
        service, dataset, space={RATE: {"choices": rates}}, sampler="grid", pruner="median",
        trials=None, seed=1,
    )  # fmt: skip
    ended, trials = end(service, address)
    assert ended["state"] == "succeeded"
    for trial in trials:
        if trial["state"] == "pruned":
            assert trial["model"] is None
            history = service.client.get(f"/v1/jobs/{trial['job']}/history").json()["epochs"]
            assert history[trial["epoch"] - 1]["metrics"]["loss"] == trial["value"]
    late = [trial for trial in trials if trial["parameters"][RATE] < 1e-8 and trial["number"] >= 5]
    assert all(trial["state"] == "pruned" for trial in late)
