"""The estimate of a training's memory, by its definition."""

from typing import Any

import pytest

from domain.graph.language import Blueprint
from domain.graph.summary import RowBytes, Summary
from domain.job.job import JobRequest
from domain.job.plan import PinnedDataset, Plan
from domain.job.recipe import Component, Recipe
from domain.job.resources import COLUMN_BYTES, memory_bytes, need_of, slots
from tests.support.queued_jobs import DEFINITION

ROWS = 1_000
WEIGHTS, ACTIVATIONS = 800, 12


def make_plan() -> Plan:
    """Returns the plan of a training on rows of an open length."""
    summary = {
        "inputs": [{"name": "x", "shape": [None, None, 2], "dtype": "float32"}],
        "outputs": [{"name": "y", "shape": [None, 1], "dtype": "float32"}],
        "nodes": [{"name": "y", "layer": "LSTM", "shape": [None, 1], "parameters": 200}],
        "parameters": {"total": 200, "trainable": 200, "non_trainable": 0},
        "bytes": {"weights": WEIGHTS, "activations_per_row": ACTIVATIONS},
    }
    return Plan(
        graph_id=None,
        blueprint=Blueprint.model_validate({"definition": DEFINITION}),
        summary=Summary.model_validate(summary),
        recipe=Recipe(optimizer="adam", jit_compile=False, inputs={"x": ["x"]}, outputs={}),
        dataset=PinnedDataset(id=f"dataset_{'0' * 26}", sha256="0" * 64, rows=ROWS, columns={}),
    )


def request(**fields: Any) -> JobRequest:
    return JobRequest.model_validate({"graph": DEFINITION, "fit": {"batch_size": 8}, **fields})


@pytest.mark.parametrize(
    ("row", "activations", "columns"),
    [
        (None, ACTIVATIONS, ROWS * 4 * (2 + 1)),
        (RowBytes(activations=600, ends=400), 600, ROWS * 400),
        (RowBytes(activations=10**9, ends=10**6), 10**9, COLUMN_BYTES),
    ],
)
def test_the_memory_is_that_of_weights_gradients_slots_activations_and_columns(
    row: RowBytes | None, activations: int, columns: int
) -> None:
    learning = WEIGHTS * (1 + 2)  # a gradient and the two slots of Adam
    expected = WEIGHTS + learning + 2 * activations * 8 + columns
    assert memory_bytes(request(), make_plan(), row) == expected
    assert need_of(request(), make_plan(), row).memory_bytes == expected


def test_memory_that_the_request_states_is_not_estimated() -> None:
    stated = request(resources={"memory_bytes": 77})
    assert need_of(stated, make_plan(), RowBytes(activations=9, ends=9)).memory_bytes == 77


@pytest.mark.parametrize("inner", ["adam", {"type": "Adam", "config": {"use_ema": True}}])
def test_an_optimizer_that_scales_the_loss_keeps_what_its_own_keeps(inner: Any) -> None:
    scaling = Component(type="LossScaleOptimizer", config={"inner_optimizer": inner})
    assert slots(scaling) == (2 if inner == "adam" else 3)
