"""Frozen layers, tables of rates, averages and accumulation, beside plain Keras's `fit`."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from domain.job.recipe import Component, Fit
from tests.worker.child import in_child
from tests.worker.resuming import assert_same, checkpoint_at, with_folder, within
from tests.worker.training_tasks import Arrays, Jobs, dense_columns, node, recipe, start
from worker.protocol.messages import FromChild, Stepped
from worker.training.hardware.environment import pin

SEED = 7
ROWS, TRAINED = 200, 150
NESTED: dict[str, Any] = {
    "inputs": [{"name": "x", "shape": [64]}],
    "nodes": [
        node("normal", "BatchNormalization", "x"),
        {
            "name": "encoder",
            "layer": {
                "type": "Graph",
                "graph": {
                    "inputs": [{"name": "z", "shape": [64]}],
                    "nodes": [
                        node("wide", "Dense", "z", units=16, activation="relu"),
                        node("narrow", "Dense", "wide", units=8, activation="relu"),
                    ],
                    "outputs": ["narrow"],
                },
            },
            "inputs": "normal",
        },
        node("y", "Dense", "encoder", units=10, activation="softmax"),
    ],
    "outputs": ["y"],
}
KEYS = (
    "normal/gamma",
    "normal/moving_mean",
    "encoder/wide/kernel",
    "encoder/narrow/bias",
    "y/kernel",
)


def make_keras(frozen: tuple[str, ...], make_optimizer: Any) -> Any:
    """The model of `NESTED`, with layers that are frozen before it is compiled."""
    pin(deterministic=True)
    keras.utils.set_random_seed(SEED)
    x = keras.Input((64,), name="x")
    normal = layers.BatchNormalization(name="normal")
    hidden = normal(x)
    z = keras.Input((64,))
    wide = layers.Dense(16, activation="relu", name="wide")
    narrow = layers.Dense(8, activation="relu", name="narrow")
    encoder = keras.Model(z, narrow(wide(z)), name="encoder")
    last = layers.Dense(10, activation="softmax", name="y")
    model = keras.Model(x, last(encoder(hidden)))
    for layer in (normal, wide, narrow):
        if layer.name in frozen:
            layer.trainable = False
    model.compile(make_optimizer(), "categorical_crossentropy", metrics=["accuracy"])
    return model


def fit_by_keras(
    columns: Arrays,
    frozen: tuple[str, ...],
    make_optimizer: Any,
    callbacks: Any,
    epochs: int,
) -> tuple[dict[str, Any], list[dict[str, float]]]:
    model = make_keras(frozen, make_optimizer)
    history = model.fit(
        columns["x"][:TRAINED],
        columns["y"][:TRAINED],
        epochs=epochs,
        shuffle=False,
        validation_data=(columns["x"][TRAINED:], columns["y"][TRAINED:]),
        callbacks=callbacks(),
        verbose=0,
    ).history
    by_name = {
        "normal/gamma": model.get_layer("normal").gamma,
        "normal/moving_mean": model.get_layer("normal").moving_mean,
        "encoder/wide/kernel": model.get_layer("encoder").get_layer("wide").kernel,
        "encoder/narrow/bias": model.get_layer("encoder").get_layer("narrow").bias,
        "y/kernel": model.get_layer("y").kernel,
    }
    logs = [{name: values[i] for name, values in history.items()} for i in range(epochs)]
    return {key: variable.numpy() for key, variable in by_name.items()}, logs


def make_adam() -> Any:
    return keras.optimizers.Adam(0.01)


def make_accumulating() -> Any:
    return keras.optimizers.Adam(0.01, gradient_accumulation_steps=3)


def make_averaging() -> Any:
    return keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.8)


def no_callbacks() -> list[Any]:
    return []


def scheduling() -> list[Any]:
    return [keras.callbacks.LearningRateScheduler(_find_rate)]


def _find_rate(epoch: int, rate: float) -> float:
    return {0: 0.02, 2: 0.001}.get(epoch, rate)


def swapping() -> list[Any]:
    return [keras.callbacks.SwapEMAWeights()]


def swapping_epochs() -> list[Any]:
    return [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)]


ADAM = Component(type="Adam", config={"learning_rate": 0.01})
AVERAGING = Component(
    type="Adam", config={"learning_rate": 0.01, "use_ema": True, "ema_momentum": 0.8}
)
TABLE = Component(type="LearningRateSchedule", config={"rates": {"1": 0.02, "3": 0.001}})
SWAP = Component(type="SwapEMAWeights", config={"swap_on_epoch": True})


def make_fit(**fields: Any) -> Fit:
    return Fit(epochs=4, shuffle=False, validation_split=0.25, **fields)


@pytest.mark.parametrize(
    ("optimizer", "fit", "frozen", "theirs", "callbacks"),
    [
        pytest.param(
            ADAM,
            make_fit(freeze=["encoder/w*", "normal"]),
            ("wide", "normal"),
            make_adam,
            no_callbacks,
            id="frozen",
        ),
        pytest.param(ADAM, make_fit(callbacks=[TABLE]), (), make_adam, scheduling, id="rates"),
        pytest.param(
            AVERAGING,
            make_fit(callbacks=["SwapEMAWeights"]),
            (),
            make_averaging,
            swapping,
            id="swap",
        ),
        pytest.param(
            AVERAGING,
            make_fit(callbacks=[SWAP]),
            (),
            make_averaging,
            swapping_epochs,
            id="swap on epoch",
        ),
        pytest.param(
            Component(
                type="Adam", config={"learning_rate": 0.01, "gradient_accumulation_steps": 3}
            ),
            make_fit(accumulate=3),
            (),
            make_accumulating,
            no_callbacks,
            id="accumulation",
        ),
    ],
)
def test_an_option_gives_the_bits_of_plain_fit(
    jobs: Jobs, optimizer: Any, fit: Fit, frozen: Any, theirs: Any, callbacks: Any
) -> None:
    columns = dense_columns(ROWS)
    attempt = start(jobs.train(NESTED, columns, recipe(optimizer=optimizer), fit))
    attempt.finish()
    weights, logs = in_child(fit_by_keras, columns, frozen, theirs, callbacks, fit.epochs)

    ours = attempt.weights()
    for key in KEYS:
        assert np.array_equal(ours[key], weights[key]), key
    assert attempt.metrics() == logs


@pytest.mark.slow
def test_averages_stay_in_the_model_when_a_training_ends_early(jobs: Jobs) -> None:
    """Keras would end with the weights themselves, since it settles averages in the last epoch."""
    early = Component(type="EarlyStopping", config={"monitor": "loss", "min_delta": 1e9})
    columns = dense_columns(ROWS)
    fit = make_fit(callbacks=[SWAP, early])
    stopped = start(jobs.train(NESTED, columns, recipe(optimizer=AVERAGING), fit))
    made = stopped.finish()
    assert made.stopped is not None
    assert made.epoch == 2
    whole = Fit(epochs=2, shuffle=False, validation_split=0.25, callbacks=[SWAP])
    same = start(jobs.train(NESTED, columns, recipe(optimizer=AVERAGING), whole))
    same.finish()
    assert_same(stopped, same)


def in_validation(message: FromChild) -> bool:
    return isinstance(message, Stepped) and message.epoch == 1 and message.step == message.steps


@pytest.mark.slow
@pytest.mark.parametrize("moment", [within(1), in_validation], ids=["training", "validation"])
def test_every_option_resumes_with_the_same_bits(jobs: Jobs, moment: Any) -> None:
    optimizer = Component(
        type="Adam",
        config={"learning_rate": 0.01, "use_ema": True, "gradient_accumulation_steps": 3},
    )
    plateau = Component(type="ReduceLROnPlateau", config={"patience": 1, "min_delta": 9})
    early = Component(type="EarlyStopping", config={"patience": 9, "restore_best_weights": True})
    fit = Fit(
        epochs=4,
        batch_size=1,
        validation_split=0.5,
        validation_freq=2,
        freeze=["encoder/wide"],
        callbacks=[TABLE, SWAP, plateau, early],
    )
    task = jobs.train(NESTED, dense_columns(3_000), recipe(optimizer=optimizer), fit)
    whole = start(task)
    whole.finish()
    _, checkpoint = checkpoint_at(jobs, with_folder(jobs, task), moment)
    resumed = start(with_folder(jobs, task, checkpoint=checkpoint))
    resumed.finish()
    assert_same(resumed, whole)
