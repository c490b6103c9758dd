"""Trainings with much state that are killed at random batches give the bits of a plain run."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.support.engines import Engine
from tests.support.example_bodies import same
from tests.support.service import Service, until

pytestmark = pytest.mark.slow
ROWS, BATCH = 4_000, 4
STEPS = ROWS * 3 // 4 // BATCH
EPOCHS = 12
KILLS = 3


def node(name: str, layer: str, inputs: str, **config: Any) -> dict[str, Any]:
    return {"name": name, "layer": {"type": layer, "config": config}, "inputs": inputs}


GRAPH = {
    "inputs": [{"name": "x", "shape": [16]}],
    "nodes": [
        node("wide", "Dense", "x", units=512),
        node("deep", "Dense", "wide", units=512),
        node("normal", "BatchNormalization", "deep"),
        node("dropped", "Dropout", "normal", rate=0.3),
        node("y", "Dense", "dropped", units=1),
    ],
    "outputs": ["y"],
}
RATE = {
    "type": "ExponentialDecay",
    "config": {"initial_learning_rate": 0.01, "decay_steps": 100, "decay_rate": 0.95},
}
PLATEAU = {"type": "ReduceLROnPlateau", "config": {"patience": 1, "factor": 0.7, "cooldown": 1}}
EARLY = {
    "type": "EarlyStopping",
    "config": {"patience": 2, "start_from_epoch": 5, "restore_best_weights": True},
}
SWAP = {"type": "SwapEMAWeights", "config": {"swap_on_epoch": True}}
AVERAGING = {"use_ema": True, "ema_momentum": 0.95}
SCALING = {
    "type": "LossScaleOptimizer",
    "config": {
        "inner_optimizer": {"type": "Adam", "config": {"learning_rate": RATE}},
        "initial_scale": 1024.0,
        "dynamic_growth_steps": 70,
    },
}
CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "callbacks": (
        "adam",
        {"callbacks": [PLATEAU, EARLY], "checkpoints": {"best": "val_loss", "every": 2, "keep": 2}},
    ),
    "averages": (
        {"type": "Adam", "config": {"learning_rate": RATE, **AVERAGING}},
        {"accumulate": 7, "callbacks": [SWAP], "checkpoints": {"every": 5}},
    ),
    "overwritten averages": (
        {
            "type": "SGD",
            "config": {
                "learning_rate": 0.0005,
                "momentum": 0.9,
                "gradient_accumulation_steps": 3,
                "ema_overwrite_frequency": 50,
                **AVERAGING,
            },
        },
        {"callbacks": [PLATEAU, EARLY]},
    ),
    "scaled losses": (SCALING, {"checkpoints": {"best": "val_loss"}}),
}


@pytest.fixture(scope="module")
def service(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service for these tests alone, which stores its states often."""
    folder = tmp_path_factory.mktemp("random")
    running = engine.service(folder, LEASE_SECONDS="3", CHECKPOINT_SECONDS="0.3")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def dataset(service: Service) -> str:
    draw = np.random.default_rng(8)
    x = draw.random((ROWS, 16)).round(3)
    y = (x.sum(axis=1) + draw.normal(size=ROWS)).round(3)
    return service.dataset({"x": x, "y": y})


def kill_at(service: Service, job_id: str, step: int, delay: float) -> None:
    """Kills the training process after a step, counted over all epochs, and awaits the next one.

    Args:
        step: The first step from there on that the process reports begins the delay.
        delay: Seconds; without them each kill would hit the moment of a report.
    """

    def is_there() -> int | None:
        job = service.job(job_id)
        assert not job["is_terminal"], "the job ended too early"
        progress = job["progress"]
        done = progress["epoch"] * STEPS + (progress["step"] or 0)
        return job["attempt"] if job["state"] == "running" and done >= step else None

    attempt = until(is_there, f"step {step}")
    time.sleep(delay)
    service.training_process().kill()

    def is_tried_again() -> bool | None:
        job = service.job(job_id)
        assert not job["is_terminal"], "the kill came too late"
        return job["attempt"] > attempt or None

    until(is_tried_again, "the next attempt")


def find_results(service: Service, job: dict[str, Any]) -> dict[str, Any]:
    """What must be equal, without the weights."""
    address = f"/v1/jobs/{job['id']}"
    history = service.client.get(f"{address}/history").json()["epochs"]
    model = service.client.get(f"/v1/models/{job['model']}").json()
    kept = service.client.get(f"{address}/checkpoints").json()["items"]
    return {
        "history": [(epoch["epoch"], epoch["metrics"]) for epoch in history],
        "kept": [(item["epoch"], item["step"], item["metrics"]) for item in kept],
        "model": (model["epoch"], model["metrics"]),
        **{name: job[name] for name in ("best", "stopped")},
    }


def load_weights(service: Service, job: dict[str, Any]) -> list[bytes]:
    """Returns the weights of the model, and those of the first checkpoint that was kept."""
    models = [job["model"]]
    kept = service.client.get(f"/v1/jobs/{job['id']}/checkpoints").json()["items"]
    if kept:
        body = {"job": job["id"], "epoch": kept[-1]["epoch"]}
        models.append(service.client.post("/v1/models", json=body).json()["id"])
    return [service.file(model, "model.safetensors") for model in models]


@pytest.mark.parametrize("name", CASES)
def test_kills_at_random_batches_change_no_bit(service: Service, dataset: str, name: str) -> None:
    optimizer, fit = CASES[name]
    request = {
        "graph": GRAPH,
        "dataset": dataset,
        "compile": {"optimizer": optimizer, "loss": "mse", "metrics": ["mae"]},
        "fit": {"epochs": EPOCHS, "batch_size": BATCH, "validation_split": 0.25, **fit},
        "seed": 7,
    }
    plain = service.trained(**request)
    expected = find_results(service, plain)
    epochs = len(expected["history"])
    draw = np.random.default_rng([*name.encode()])
    places = (np.arange(KILLS) + draw.uniform(0.2, 0.6, KILLS)) / KILLS * epochs * STEPS
    job_id = service.submit(**request)
    for place in places:
        kill_at(service, job_id, int(place), draw.uniform(0, 0.3))
    job = service.ended(job_id)
    assert job["state"] == "succeeded", job["error"]
    assert (job["attempt"], job["bit_exact"]) == (KILLS + 1, True)
    assert find_results(service, job) == expected
    models = service.client.get("/v1/models").json()["items"]
    assert [model["id"] for model in models if model["job"] == job_id] == [job["model"]]
    ours, theirs = load_weights(service, job), load_weights(service, plain)
    assert all(same(*pair) for pair in zip(ours, theirs, strict=True))
    early = any(item == EARLY for item in fit.get("callbacks", []))
    assert (job["stopped"] is not None) == early
