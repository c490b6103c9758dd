"""What `compile` offers beyond one loss and plain metrics, by HTTP."""

from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load

from tests.support.service import Service

pytestmark = pytest.mark.slow
MATRIX = [[0.25, -0.5], [0.75, 0.125], [-1.0, 0.5]]
GRAPH = {
    "inputs": [{"name": "x", "shape": [3]}],
    "nodes": [
        {
            "name": "h",
            "layer": {
                "type": "Dense",
                "config": {
                    "units": 2,
                    "trainable": False,
                    "kernel_initializer": {"type": "Constant", "config": {"value": MATRIX}},
                },
            },
            "inputs": "x",
        },
        {"name": "y", "layer": {"type": "Dense", "config": {"units": 1}}, "inputs": "h"},
    ],
    "outputs": ["y"],
}
ADAM = {"type": "Adam", "config": {"learning_rate": 0.01, "use_ema": True, "clipnorm": 1.0}}
SCALED = {"type": "LossScaleOptimizer", "config": {"inner_optimizer": ADAM}}


def test_several_losses_weighted_metrics_and_constant_weights(service: Service) -> None:
    draw = np.random.default_rng(5)
    columns: dict[str, Any] = {
        "x": draw.random((20, 3)).astype(np.float32),
        "y": draw.random((20, 1)).astype(np.float32),
        "w": draw.uniform(0.5, 2.0, 20).astype(np.float32),
    }
    job = service.trained(
        graph=GRAPH,
        dataset=service.dataset(columns),
        feed={"sample_weights": {"y": "w"}},
        compile={
            "optimizer": SCALED,
            "loss": [{"loss": "mse", "weight": 0.7}, {"loss": "mae", "weight": 0.3}],
            "metrics": ["mae"],
            "weighted_metrics": ["mae", "root_mean_squared_error"],
        },
        fit={"epochs": 3, "batch_size": 20, "callbacks": ["TerminateOnNaN"]},
    )
    history = service.client.get(f"/v1/jobs/{job['id']}/history").json()
    assert len(history["epochs"]) == 3
    for epoch in history["epochs"]:
        metrics = epoch["metrics"]
        assert metrics.keys() == {
            "loss", "y_mse_loss", "y_mae_loss", "mae", "weighted_mae", "root_mean_squared_error",
        }  # fmt: skip
        whole = 0.7 * metrics["y_mse_loss"] + 0.3 * metrics["y_mae_loss"]
        assert metrics["loss"] == pytest.approx(whole, rel=1e-5)
    weights = load(service.file(job["model"], "model.safetensors"))
    assert np.array_equal(weights["h/kernel"], np.array(MATRIX, np.float32))


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"optimizer": "adan"}, "/compile/optimizer", "Did you mean 'adam'?"),
        (
            {"optimizer": {"type": "LossScaleOptimizer", "config": {"inner_optimizer": 3}}},
            "/compile/optimizer/config/inner_optimizer",
            "This optimizer must be a name or",
        ),
        (
            {"loss": {"y": ["mse", {"loss": "msee", "weight": 2}]}},
            "/compile/loss/y/1/loss",
            "Did you mean 'mse'?",
        ),
        (
            {"loss": "mse", "weighted_metrics": {"y": ["maee"]}},
            "/compile/weighted_metrics/y",
            "Did you mean 'mae'?",
        ),
    ],
)
def test_faults_of_compile_are_told_at_their_places(
    service: Service, changes: dict[str, Any], pointer: str, words: str
) -> None:
    body = {
        "graph": GRAPH,
        "dataset": {"columns": {"x": [[1, 2, 3]] * 4, "y": [1, 2, 3, 4]}},
        "compile": {"loss": "mse", **changes},
    }
    answer = service.client.post("/v1/jobs", json=body)
    assert answer.status_code == 422, answer.text
    (fault,) = answer.json()["errors"]
    assert fault["pointer"] == pointer
    assert words in fault["detail"]
