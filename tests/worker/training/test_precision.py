"""Models are trained in mixed precision and saved in float32."""

from itertools import product
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from compiler.inference.forward import make_forward
from compiler.inference.onnx import export_onnx
from compiler.model.build import build
from compiler.model.weights import WeightsMismatch, assign, copy_arrays
from domain.errors import Invalid
from domain.graph.language import Blueprint
from domain.job.recipe import Fit
from tests.compiler.catalogue.test_every_layer import write_definition
from tests.compiler.layer_cases import CASES
from tests.worker.child import in_child
from tests.worker.resuming import assert_same, checkpoint_at, with_folder, within
from tests.worker.training_tasks import DENSE, PLAIN, Attempt, Jobs, node, recipe, start
from worker.protocol.messages import Started
from worker.protocol.tasks import TrainTask
from worker.training.hardware import devices
from worker.training.hardware.devices import choose
from worker.training.main import run


def learnable(rows: int = 400) -> dict[str, Any]:
    """Data that a model can learn: the class is the index of the largest of ten numbers."""
    x = np.random.default_rng(0).random((rows, 64))
    return {"x": x, "y": np.eye(10)[x[:, :10].argmax(axis=1)]}


def mixed(jobs: Jobs, fit: Fit | None = None, **fields: Any) -> TrainTask:
    """A task in mixed precision on the CPU."""
    made = recipe(optimizer="adam")
    fields = {"device": "cpu", "mixed_precision": True, **fields}
    return jobs.train(DENSE, learnable(), made, fit or Fit(epochs=8), **fields)


def in_float16(task: TrainTask, connection: Connection) -> None:
    """Runs a task in the policy of GPUs, with which Keras scales the loss."""
    devices.REDUCED["CPU"] = "mixed_float16"
    run(task, connection)


def in_bfloat16(task: TrainTask, connection: Connection) -> None:
    """Runs a task in the policy of CPUs."""
    run(task, connection)


EACH_POLICY = pytest.mark.parametrize(
    "how", [in_float16, pytest.param(in_bfloat16, marks=pytest.mark.slow)]
)


def precision(attempt: Attempt) -> Any:
    """The precision that an attempt reported."""
    started = attempt.messages[0]
    assert isinstance(started, Started)
    return started.environment["precision"]


@pytest.mark.slow
@EACH_POLICY
def test_a_training_learns_and_repeats_its_bits(jobs: Jobs, how: Any) -> None:
    task = mixed(jobs)
    first, again = start(task, how), start(with_folder(jobs, task), how)
    first.finish()
    again.finish()
    exact = start(with_folder(jobs, task, mixed_precision=False))
    exact.finish()

    assert_same(again, first)
    losses = [epoch["loss"] for epoch in first.metrics()]
    exactly = [epoch["loss"] for epoch in exact.metrics()]
    assert losses[-1] < losses[0]
    assert losses == pytest.approx(exactly, rel=0.02)
    assert losses != exactly
    assert precision(first) == how.__name__.replace("in_", "mixed_")
    assert precision(exact) == "float32"


@pytest.mark.slow
@EACH_POLICY
@pytest.mark.parametrize("device_count", [1, 2])
def test_a_resume_has_the_same_bits(jobs: Jobs, how: Any, device_count: int) -> None:
    fit = Fit(epochs=6, batch_size=1, validation_split=0.2)
    task = mixed(jobs, fit, devices=device_count)
    task = with_folder(jobs, task, columns=jobs.columns(learnable(3_000)))
    uninterrupted = start(task, how)
    uninterrupted.finish()
    _, checkpoint = checkpoint_at(jobs, with_folder(jobs, task), within(1), how)
    resumed = start(with_folder(jobs, task, checkpoint=checkpoint), how)
    resumed.finish()

    assert_same(resumed, uninterrupted)


@pytest.mark.slow
@EACH_POLICY
def test_several_devices_give_nearly_the_result_of_one(jobs: Jobs, how: Any) -> None:
    task = mixed(jobs, Fit(epochs=2))
    task = with_folder(jobs, task, blueprint=Blueprint.model_validate({"definition": PLAIN}))
    one, two = start(task, how), start(with_folder(jobs, task, devices=2), how)
    one.finish()
    two.finish()

    for name, array in one.weights().items():
        np.testing.assert_allclose(array, two.weights()[name], rtol=0, atol=0.01)
    assert two.metrics()[-1] == pytest.approx(one.metrics()[-1], rel=0.02)


def predictions(task: TrainTask, folder: Path) -> tuple[list[Any], str]:
    """Predictions of `model.keras` and of a model with the saved weights, and the dtype policy."""
    from safetensors.numpy import load_file

    x = learnable(5)["x"].astype(np.float32)
    loaded = keras.models.load_model(folder / "model.keras")
    built = build(task.blueprint, None)
    assign(built, load_file(folder / "model.safetensors"))
    both = [np.asarray(make_forward(model)([x])["y"]) for model in (loaded, built.model)]
    return both, loaded.layers[1].dtype_policy.name


@pytest.mark.slow
def test_saved_weights_are_float32(jobs: Jobs) -> None:
    task = mixed(jobs, Fit(epochs=1))
    attempt = start(task)
    finished = attempt.finish()

    assert finished.files[0].name == "model.safetensors"
    assert not finished.files_left_out
    floats = [array.dtype for array in attempt.weights().values() if array.dtype.kind == "f"]
    assert set(floats) == {np.dtype(np.float32)}
    (by_keras, by_us), policy = in_child(predictions, task, attempt.folder)
    assert policy == "float32"
    assert np.array_equal(by_keras, by_us)
    blueprint = task.blueprint.model_dump_json()
    onnx = str(attempt.folder / "model.onnx")
    weights = str(attempt.folder / "model.safetensors")
    assert in_child(export_onnx, blueprint, weights, onnx).bytes


@pytest.mark.slow
def test_initial_weights_and_model_layers_are_used(jobs: Jobs) -> None:
    first = start(mixed(jobs, Fit(epochs=1)))
    first.finish()
    weights = first.folder / "model.safetensors"
    further = start(mixed(jobs, Fit(epochs=1), initial_weights=weights))
    further.finish()
    assert further.metrics()[-1]["loss"] < first.metrics()[-1]["loss"]

    model = "model_00000000000000000000000000"
    layer = {"type": "Model", "model": model, "trainable": False}
    nodes = [
        {"name": "inner", "layer": layer, "inputs": "x"},
        node("y", "Dense", "inner", units=10, activation="softmax"),
    ]
    blueprint = Blueprint.model_validate(
        {"definition": {**DENSE, "nodes": nodes}, "sources": {model: {"definition": DENSE}}}
    )
    task = mixed(jobs, Fit(epochs=1), blueprint=blueprint, source_weights={model: weights})
    outer = start(task)
    outer.finish()
    inner = outer.weights()["inner/hidden/kernel"]
    assert np.array_equal(inner, first.weights()["hidden/kernel"])


DTYPES: dict[str, Any] = {
    "inputs": [{"name": "x", "shape": [4]}],
    "nodes": [
        node("default", "Dense", "x", units=4),
        node("fixed", "Dense", "default", units=4, dtype="float32"),
    ],
    "outputs": ["fixed"],
}


def dtypes_in_mixed(task: TrainTask) -> list[str]:
    """The dtypes in which both layers of `DTYPES` compute."""
    choose(task)
    model = build(task.blueprint, 7).model
    return [model.get_layer(name).compute_dtype for name in ("default", "fixed")]


def test_a_layer_with_a_dtype_keeps_it(jobs: Jobs) -> None:
    task = jobs.build(DTYPES, mixed_precision=True, device="cpu")
    assert in_child(dtypes_in_mixed, task) == ["bfloat16", "float32"]


def layers_with_other_weights() -> list[str]:
    """The layer types whose weights in mixed precision cannot be assigned in float32."""
    found = []
    for kind, policy in product(CASES, devices.REDUCED.values()):
        blueprint = Blueprint.model_validate({"definition": write_definition(kind)})
        keras.config.set_dtype_policy(policy)
        try:
            trained = copy_arrays(build(blueprint, 7))
        except Invalid:  # TensorFlow lacks the operation in this dtype
            continue
        keras.config.set_dtype_policy("float32")
        try:
            assign(build(blueprint, 8), trained)
        except WeightsMismatch as error:
            found.append(f"{kind}: {error}")
    return found


@pytest.mark.slow
def test_every_layers_weights_can_be_assigned_in_float32() -> None:
    assert in_child(layers_with_other_weights) == []
