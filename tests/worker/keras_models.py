"""Models, data, and two ways to fit them: Keras's `fit` and the training loop."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers

from domain.job.resources import COLUMN_BYTES
from worker.training.hardware.environment import pin
from worker.training.rows.examples import Examples
from worker.training.rows.feed import Column, Feed
from worker.training.rows.sources import ArraySource
from worker.training.steps import Logs, Steps, make_row_order

SEED = 7
Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Case:
    """A model by name, with the options of its training."""

    model: str
    rows: int
    validation_rows: int
    epochs: int = 2
    batch_size: int = 32
    constant_bytes: int = COLUMN_BYTES


@dataclass(frozen=True)
class Fitted:
    """The parts of a result that must be equal bit for bit."""

    weights: list[np.ndarray[Any, Any]]
    optimizer: list[np.ndarray[Any, Any]]
    logs: list[Logs]


def dense() -> Any:
    x = keras.Input((784,), name="x")
    hidden = layers.Dense(64, activation="relu")(layers.Dense(64, activation="relu")(x))
    model = keras.Model([x], {"y": layers.Dense(10, activation="softmax", name="y")(hidden)})
    model.compile("rmsprop", {"y": "categorical_crossentropy"}, metrics={"y": ["accuracy"]})
    return model


def headlines() -> Any:
    main, extra = keras.Input((20,), dtype="int32", name="main"), keras.Input((5,), name="extra")
    encoded = layers.LSTM(8)(layers.Embedding(100, 16)(main))
    aux = layers.Dense(1, activation="sigmoid", name="aux")(encoded)
    merged = layers.Dense(16, activation="relu")(layers.Concatenate()([encoded, extra]))
    out = layers.Dense(1, activation="sigmoid", name="out")(merged)
    model = keras.Model([main, extra], {"out": out, "aux": aux})
    model.compile(
        "rmsprop",
        {"out": "binary_crossentropy", "aux": "binary_crossentropy"},
        loss_weights={"out": 1.0, "aux": 0.2},
        metrics={"out": ["accuracy"], "aux": ["accuracy"]},
    )
    return model


def tweets() -> Any:
    a, b = keras.Input((14, 26), name="a"), keras.Input((14, 26), name="b")
    lstm = layers.LSTM(8)
    merged = layers.Concatenate()([lstm(a), lstm(b)])
    model = keras.Model([a, b], {"same": layers.Dense(1, activation="sigmoid")(merged)})
    model.compile("rmsprop", {"same": "binary_crossentropy"}, metrics={"same": ["accuracy"]})
    return model


MODELS = {"dense": dense, "headlines": headlines, "tweets": tweets}


def data(model: str, rows: int) -> tuple[Arrays, Arrays]:
    """Inputs and targets by name, in dtypes that clients send."""
    random = np.random.default_rng(0)
    if model == "dense":
        return {"x": random.random((rows, 784))}, {"y": np.eye(10)[random.integers(0, 10, rows)]}
    label = random.integers(0, 2, rows)
    if model == "headlines":
        inputs = {"main": random.integers(0, 100, (rows, 20)), "extra": random.random((rows, 5))}
        return inputs, {"out": label, "aux": label.astype(np.float64)}
    tensors = random.random((2, rows, 14, 26), dtype=np.float32)
    return {"a": tensors[0], "b": tensors[1]}, {"same": label}


def built(name: str) -> Any:
    keras.utils.set_random_seed(SEED)
    return MODELS[name]()


def fit_by_keras(case: Case) -> Fitted:
    """Fits by Keras's `fit`, with the rows in the order of the training loop."""
    pin(deterministic=True)
    model, logs = built(case.model), []
    inputs, targets = data(case.model, case.rows + case.validation_rows)
    rest = np.arange(case.rows, case.rows + case.validation_rows)
    for epoch in range(case.epochs):
        order = make_row_order(SEED, epoch, case.rows, shuffle=True)
        history = model.fit(
            *_taken(inputs, targets, order),
            batch_size=case.batch_size,
            shuffle=False,
            verbose=0,
            validation_data=_taken(inputs, targets, rest),
        )
        logs.append({name: values[0] for name, values in history.history.items()})
    return _fitted(model, logs)


def fit_by_loop(case: Case) -> Fitted:
    """Fits by the training loop."""
    pin(deterministic=True)
    model, logs = built(case.model), []
    inputs, targets = data(case.model, case.rows + case.validation_rows)
    feed = feed_for(model, inputs, targets, slice(case.rows), case.constant_bytes)
    rest = feed_for(model, inputs, targets, slice(case.rows, None), case.constant_bytes)
    training = Steps(model, model.train_step, feed, case.batch_size)
    validation = Steps(model, model.test_step, rest, case.batch_size)
    even = case.rows % case.batch_size == 0
    model._symbolic_build(data_batch=feed.make_symbolic_batch(case.batch_size if even else None))
    for epoch in range(case.epochs):
        found = training.run(make_row_order(SEED, epoch, case.rows, shuffle=True), ignore)
        checked = validation.run(np.arange(rest.rows), ignore)
        logs.append(found | {f"val_{name}": value for name, value in checked.items()})
    return _fitted(model, logs)


def ignore(_step: int, _logs: Logs) -> None:
    """Ignores the progress."""


def feed_for(
    model: Any, inputs: Arrays, targets: Arrays, rows: slice, constant_bytes: int = COLUMN_BYTES
) -> Feed:
    """A feed of arrays with the dtypes that the training process uses."""
    dtypes = {item.name: np.dtype(item.dtype) for item in model.inputs}
    float32 = np.dtype(np.float32)
    return Feed(
        Examples(range(len(next(iter(inputs.values()))[rows]))),
        {name: Column(ArraySource(array[rows]), dtypes[name]) for name, array in inputs.items()},
        {
            name: Column(
                ArraySource(array[rows]), float32 if array.dtype.kind == "f" else array.dtype
            )
            for name, array in targets.items()
        },
        dict.fromkeys(targets),
        constant_bytes,
    )


def _taken(inputs: Arrays, targets: Arrays, rows: Any) -> tuple[Any, Any]:
    return tuple(x[rows] for x in inputs.values()), {k: y[rows] for k, y in targets.items()}


def _fitted(model: Any, logs: list[Logs]) -> Fitted:
    return Fitted(
        [weight.numpy() for weight in model.weights],
        [variable.numpy() for variable in model.optimizer.variables],
        logs,
    )
