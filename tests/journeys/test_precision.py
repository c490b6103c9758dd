"""A job in mixed precision, by HTTP."""

import numpy as np
import pytest
from safetensors.numpy import load

from tests.support.service import Service

pytestmark = pytest.mark.slow

GRAPH = {
    "inputs": [{"name": "x", "shape": [4]}],
    "nodes": [
        {"name": "y", "layer": {"type": "Dense", "config": {"units": 3}}, "inputs": "x"},
    ],
    "outputs": ["y"],
}


def test_a_model_trained_in_mixed_precision_predicts_in_float32(service: Service) -> None:
    draw = np.random.default_rng(3)
    rows = draw.random((20, 4)).astype(np.float32)
    dataset = service.dataset({"x": rows, "y": draw.random((20, 3))})
    job = service.trained(
        graph=GRAPH, dataset=dataset, compile={"loss": "mse"}, mixed_precision=True
    )

    environment = job["environment"]
    assert (environment["device"], environment["devices"]) == ("cpu", 1)
    assert environment["precision"] == "mixed_bfloat16"
    model = service.client.get(f"/v1/models/{job['model']}").json()
    assert model["signature"]["outputs"][0]["dtype"] == "float32"
    assert not model["files_left_out"]
    arrays = load(service.file(job["model"], "model.safetensors"))
    body = {"instances": rows.tolist()}
    answer = service.client.post(f"/v1/models/{job['model']}:predict", json=body)
    predicted = np.array(answer.json()["predictions"])
    exact = rows @ arrays["y/kernel"] + arrays["y/bias"]
    np.testing.assert_allclose(predicted, exact, rtol=0, atol=1e-5)  # bfloat16: 3e-3
