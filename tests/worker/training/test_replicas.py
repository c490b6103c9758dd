"""Several devices give the same model as one, with all kinds of batches, losses and metrics."""

from typing import Any

import numpy as np
import pytest

from compiler.training.components import OPTIMIZERS
from domain.job.recipe import Component, Fit, OutputRecipe, Recipe
from tests.worker.resuming import assert_same, checkpoint_at, with_folder, within
from tests.worker.training_tasks import PLAIN, Attempt, Jobs, dense_columns, node, recipe, start
from worker.protocol.messages import Failed, Started, Warned
from worker.protocol.tasks import TrainTask

TOLERANCE = 1e-6
REGULARIZED: dict[str, Any] = {
    **PLAIN,
    "nodes": [
        node(
            "hidden",
            "Dense",
            "x",
            units=32,
            activation="tanh",
            kernel_regularizer="l2",
            activity_regularizer="l1",
        ),
        node("y", "Dense", "hidden", units=10, activation="softmax", bias_regularizer="l1"),
    ],
}
SENTENCES: dict[str, Any] = {
    "inputs": [{"name": "words", "shape": [8], "dtype": "int32"}, {"name": "x", "shape": [64]}],
    "nodes": [
        node("vectors", "Embedding", "words", input_dim=50, output_dim=8, mask_zero=True),
        node("tags", "LSTM", "vectors", units=8, return_sequences=True),
        node("last", "LSTM", "tags", units=8),
        node("all", "Concatenate", ["last", "x"]),
        node("tag", "Dense", "tags", units=1, activation="sigmoid"),
        node("y", "Dense", "all", units=10, activation="softmax"),
        node("spare", "Dense", "all", units=2),
    ],
    "outputs": ["tag", "y", "spare"],
}


def sentences(rows: int) -> dict[str, Any]:
    """Columns for `SENTENCES`; words are padded by 0."""
    random = np.random.default_rng(1)
    words = random.integers(1, 50, (rows, 8))
    words[np.arange(8) >= random.integers(2, 9, (rows, 1))] = 0
    trust = random.random(rows)
    return {**dense_columns(rows), "words": words, "tag": (words % 2)[..., None], "trust": trust}


def sentences_recipe() -> Recipe:
    """A recipe with masks, sample weights, class weights and an output without a loss."""
    outputs = {
        "tag": OutputRecipe(
            loss="binary_crossentropy", metrics=["accuracy", "AUC"], target="tag", loss_weight=0.3
        ),
        "y": OutputRecipe(
            loss="categorical_crossentropy",
            metrics=["accuracy"],
            target="y",
            sample_weight="trust",
            class_weight={"3": 4.0},
        ),
        "spare": OutputRecipe(),
    }
    adam = Component(type="Adam", config={"global_clipnorm": 0.05})
    inputs = {"words": ["words"], "x": ["x"]}
    return Recipe(optimizer=adam, jit_compile=False, inputs=inputs, outputs=outputs)


def trained(jobs: Jobs, task: TrainTask, devices: int) -> Attempt:
    """Runs a task on so many devices of the CPU and returns the finished attempt."""
    attempt = start(with_folder(jobs, task, device="cpu", devices=devices))
    attempt.finish()
    return attempt


def assert_close(one: Attempt, other: Attempt, tolerance: float = TOLERANCE) -> None:
    """Asserts that weights and metrics are equal within a tolerance."""
    ours, theirs = one.weights(), other.weights()
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        np.testing.assert_allclose(array, theirs[name], rtol=0, atol=tolerance, err_msg=name)
    for epoch, another in zip(one.metrics(), other.metrics(), strict=True):
        assert epoch == pytest.approx(another, abs=10 * tolerance)


@pytest.mark.parametrize(
    ("devices", "rows"),
    [
        (2, 384),
        pytest.param(2, 385, marks=pytest.mark.slow),
        pytest.param(3, 390, marks=pytest.mark.slow),
        pytest.param(4, 34, marks=pytest.mark.slow),
    ],
)
def test_several_devices_give_the_result_of_one(jobs: Jobs, devices: int, rows: int) -> None:
    task = jobs.train(PLAIN, dense_columns(rows), recipe(), Fit(epochs=2))

    several = trained(jobs, task, devices)
    assert_close(several, trained(jobs, task, 1))
    started = several.messages[0]
    assert isinstance(started, Started)
    assert (started.environment["device"], started.environment["devices"]) == ("cpu", devices)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [pytest.param(256, marks=pytest.mark.slow), 259])
def test_losses_weights_masks_and_metrics_count_each_row_once(jobs: Jobs, rows: int) -> None:
    fit = Fit(epochs=2, validation_split=0.3)
    task = jobs.train(SENTENCES, sentences(rows), sentences_recipe(), fit)

    assert_close(trained(jobs, task, 2), trained(jobs, task, 1))


@pytest.mark.parametrize("rows", [pytest.param(128, marks=pytest.mark.slow), 100])
def test_regularizers_count_once(jobs: Jobs, rows: int) -> None:
    task = jobs.train(REGULARIZED, dense_columns(rows), recipe(), Fit(epochs=2))

    assert_close(trained(jobs, task, 2), trained(jobs, task, 1))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({made.__name__ for made in OPTIMIZERS.classes.values()}))
def test_every_optimizer_takes_the_same_steps(jobs: Jobs, name: str) -> None:
    config: dict[str, Any] = {"learning_rate": 0.001}
    if name == "LossScaleOptimizer":
        config = {"inner_optimizer": {"type": "Adam", "config": config}}
    made = recipe(optimizer=Component(type=name, config=config))
    task = jobs.train(PLAIN, dense_columns(200), made, Fit(epochs=2))

    assert_close(trained(jobs, task, 2), trained(jobs, task, 1), tolerance=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [
        {"use_ema": True, "ema_overwrite_frequency": 3},
        {"gradient_accumulation_steps": 2, "clipvalue": 0.01},
        {"weight_decay": 0.1, "clipnorm": 0.05},
    ],
    ids=lambda config: next(iter(config)),
)
def test_options_of_an_optimizer_apply_to_the_whole_batch(
    jobs: Jobs, config: dict[str, Any]
) -> None:
    made = recipe(optimizer=Component(type="SGD", config=config))
    task = jobs.train(PLAIN, dense_columns(200), made, Fit(epochs=2))

    assert_close(trained(jobs, task, 2), trained(jobs, task, 1))


NORMAL: dict[str, Any] = {
    **PLAIN,
    "nodes": [
        node("hidden", "BatchNormalization", "x"),
        node("y", "Dense", "hidden", units=10, activation="softmax"),
    ],
}


@pytest.mark.slow
def test_batch_statistics_of_all_devices_are_merged(jobs: Jobs) -> None:
    """Each device normalizes by its own rows of a batch of 25; moving statistics are merged."""
    task = jobs.train(NORMAL, dense_columns(25), recipe(), Fit(epochs=1))
    several, one = trained(jobs, task, 2).weights(), trained(jobs, task, 1).weights()

    np.testing.assert_allclose(
        several["hidden/moving_mean"], one["hidden/moving_mean"], rtol=0, atol=TOLERANCE
    )
    assert np.any(several["hidden/moving_mean"])


NOISY: dict[str, Any] = {
    "inputs": [{"name": "x", "shape": [64]}],
    "nodes": [
        node("noisy", "GaussianNoise", "x", stddev=1.0),
        node("y", "Dense", "noisy", units=1, use_bias=False),
    ],
    "outputs": ["y"],
}


@pytest.mark.slow
def test_each_device_draws_its_own_noise(jobs: Jobs) -> None:
    """The gradient is the mean noise of the rows; equal noise would give that of one row."""
    sgd = Component(type="SGD", config={"learning_rate": 1.0})
    made = recipe("mean_absolute_error", sgd, metrics=[])

    def task(rows: int) -> TrainTask:
        columns = {"x": np.zeros((rows, 64)), "y": np.full((rows, 1), 1e6)}
        return jobs.train(NOISY, columns, made, Fit(epochs=1))

    both, single = trained(jobs, task(2), 2).weights(), trained(jobs, task(1), 1).weights()
    assert np.abs(both["y/kernel"] - single["y/kernel"]).min() > 0
    assert np.abs(both["y/kernel"] - single["y/kernel"]).max() > 0.1


STATEFUL: dict[str, Any] = {
    **PLAIN,
    "nodes": [
        node("normal", "BatchNormalization", "x"),
        node("hidden", "Dense", "normal", units=32, activation="relu"),
        node("dropped", "Dropout", "hidden", rate=0.3),
        node("y", "Dense", "dropped", units=10, activation="softmax"),
    ],
}
CALLBACKS: list[Any] = [
    Component(type="ReduceLROnPlateau", config={"monitor": "val_loss", "patience": 1}),
    Component(
        type="EarlyStopping",
        config={"monitor": "val_loss", "patience": 9, "restore_best_weights": True},
    ),
]


def on_two_devices(jobs: Jobs, **fields: Any) -> TrainTask:
    """A task for two devices in which layers, optimizer, metrics and callbacks have state."""
    made = recipe(optimizer="adam", metrics=["accuracy", "AUC"])
    fit = Fit(epochs=4, batch_size=3, validation_split=0.3, callbacks=CALLBACKS)
    columns = dense_columns(2_000)
    return jobs.train(STATEFUL, columns, made, fit, device="cpu", devices=2, **fields)


@pytest.mark.slow
def test_a_repeat_and_a_resume_within_an_epoch_have_equal_bits(jobs: Jobs) -> None:
    task = on_two_devices(jobs)
    first = start(task)
    first.finish()
    repeat = start(with_folder(jobs, task))
    repeat.finish()
    assert_same(repeat, first)

    message, checkpoint = checkpoint_at(jobs, with_folder(jobs, task), within(1))
    assert 0 < message.step < message.steps
    resumed = start(with_folder(jobs, task, checkpoint=checkpoint))
    resumed.finish()
    assert_same(resumed, first)


def test_a_loss_that_is_not_finite_ends_the_training(jobs: Jobs) -> None:
    columns = dense_columns(400)
    columns["x"][5] = np.nan
    fit = Fit(epochs=3, callbacks=["TerminateOnNaN"])
    attempt = trained(jobs, jobs.train(PLAIN, columns, recipe(), fit), 2)

    assert len(attempt.metrics()) == 1


def test_xla_is_ignored_with_a_warning(jobs: Jobs) -> None:
    made = recipe().model_copy(update={"jit_compile": True})
    attempt = trained(jobs, jobs.train(PLAIN, dense_columns(64), made), 2)

    (warned,) = [message.text for message in attempt.messages if isinstance(message, Warned)]
    assert "jit_compile" in warned


def test_missing_gpus_are_not_the_users_fault(jobs: Jobs) -> None:
    task = jobs.train(PLAIN, dense_columns(64), recipe(), device="gpu", devices=64)
    failed = start(task).end()

    assert isinstance(failed, Failed)
    assert (failed.type, failed.category) == ("no-such-devices", "infrastructure")
