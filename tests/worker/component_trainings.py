"""Small trainings of a `compile` written as JSON: by the training process, and by plain Keras."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import keras
import numpy as np

from compiler.model.build import build
from domain.job.job import JobRequest
from domain.job.recipe import Fit, Recipe
from domain.job.resolve import resolve
from tests.worker.training_tasks import Jobs, node
from worker.protocol.messages import Checkpointed, EpochEnded
from worker.protocol.tasks import TrainTask
from worker.training import steps
from worker.training.epochs import Training
from worker.training.hardware.environment import pin
from worker.training.output_folder import OutputFolder
from worker.training.rows.prepared import prepare_data

ROWS, BATCH, EPOCHS = 50, 8, 2
SPLIT = 0.2
Arrays = list[np.ndarray[Any, Any]]
_MODULES: Mapping[str, Any] = {
    "optimizer": keras.optimizers,
    "learning_rate": keras.optimizers.schedules,
    "inner_optimizer": keras.optimizers,
    "loss": keras.losses,
    "metrics": keras.metrics,
    "weighted_metrics": keras.metrics,
}


@dataclass(frozen=True)
class Case:
    """The `compile` of a job as JSON, and the output that it trains."""

    compile: dict[str, Any]
    head: str = "numbers"
    epochs: int = EPOCHS
    validates: bool = False
    weighs: bool = False
    tolerance: float = 0.0
    """How much our numbers may differ from those of plain Keras, as a fraction."""
    layer: dict[str, Any] = field(default_factory=dict)
    """More of the config of the first layer."""


@dataclass(frozen=True)
class Fitted:
    """What must be equal bit for bit."""

    weights: Arrays
    history: list[dict[str, Any]]


def _targets() -> dict[str, Any]:
    random = np.random.default_rng(1)
    classes = random.integers(0, 3, ROWS)
    return {
        "numbers": random.uniform(0.5, 2.0, (ROWS, 1)).astype(np.float32),
        "binary": random.integers(0, 2, (ROWS, 1)).astype(np.float32),
        "classes": np.eye(3, dtype=np.float32)[classes],
        "indices": classes.astype(np.int32),
        "vectors": random.uniform(0.5, 2.0, (ROWS, 3)).astype(np.float32),
        "embeddings": classes.astype(np.int32),
        "sequences": random.integers(1, 3, (ROWS, 2)).astype(np.int32),
    }


TARGETS = _targets()
"""The targets of each head."""
HEADS: Mapping[str, dict[str, Any]] = {
    "numbers": {"units": 1},
    "binary": {"units": 1, "activation": "sigmoid"},
    "classes": {"units": 3, "activation": "softmax"},
    "indices": {"units": 3, "activation": "softmax"},
    "vectors": {"units": 3},
    "embeddings": {"units": 3},
    "sequences": {"units": 12},
}
"""The config of the last layer of each head."""
X = np.random.default_rng(0).normal(size=(ROWS, 4)).astype(np.float32)
WEIGHTS = np.random.default_rng(2).uniform(0.1, 3.0, ROWS).astype(np.float32)


class Interrupted(Exception):
    """The training ends after a requested checkpoint."""


class Link:
    """Takes the messages of a training, and may request a checkpoint."""

    is_finish_requested = False

    def __init__(self, save_at: int | None = None) -> None:
        """Requests nothing yet.

        Args:
            save_at: The number of the question that is answered with a request; None: none is.
        """
        self.messages: list[Any] = []
        self._questions, self._save_at = 0, save_at

    def check(self) -> None:
        """The lease never ends."""

    def send(self, message: Any) -> None:
        self.messages.append(message)

    def take_save_request(self) -> bool:
        self._questions += 1
        return self._questions == self._save_at

    def wait_for_end(self) -> NoReturn:
        raise Interrupted


def make_task(case: Case, jobs: Jobs) -> TrainTask:
    """Make the task of a case."""
    nodes = [
        node("h", "Dense", "x", units=5, activation="tanh", **case.layer),
        node("y" if case.head != "sequences" else "flat", "Dense", "h", **HEADS[case.head]),
    ]
    if case.head == "sequences":
        nodes.append(node("y", "Reshape", "flat", target_shape=[4, 3]))
    definition = {"inputs": [{"name": "x", "shape": [4]}], "nodes": nodes, "outputs": ["y"]}
    columns = {"x": X, "y": TARGETS[case.head], "w": WEIGHTS}
    fit = Fit(
        epochs=case.epochs,
        batch_size=BATCH,
        shuffle=False,
        validation_split=SPLIT if case.validates else 0.0,
    )
    return jobs.train(definition, columns, make_recipe(case), fit)


def make_recipe(case: Case) -> Recipe:
    """Resolve the `compile` of a case as the API does."""
    request = JobRequest.model_validate(
        {
            "kind": "train",
            "graph": f"graph_{'0' * 26}",
            "dataset": f"dataset_{'0' * 26}",
            "compile": case.compile,
            "feed": {"sample_weights": {"y": "w"}} if case.weighs else {},
        }
    )
    recipe, faults = resolve(request, ["x"], ["y"], ["x", "y", "w"])
    assert not faults, faults
    return recipe


def train(task: TrainTask, link: Any) -> tuple[Arrays, Fitted]:
    """Train as the training process does.

    Returns:
        The initial weights, and the result.
    """
    keras.utils.clear_session(free_memory=False)  # Keras counts the metrics of a class for names
    built = build(task.blueprint, task.seed)
    initial = built.model.get_weights()
    training = Training(task, prepare_data(task), built, OutputFolder(task.folder, link), link)
    done = training.run()
    history = [dict(epoch.metrics) for epoch in done.history]
    return initial, Fitted(built.model.get_weights(), history)


def train_and_resume(task: TrainTask, jobs: Jobs, save_at: int) -> Fitted:
    """Train until a requested checkpoint, and go on in a new training."""
    link, folder = Link(save_at), jobs.folder()
    try:
        train(replace(task, folder=folder), link)
    except Interrupted:
        (saved,) = [m for m in link.messages[-1:] if isinstance(m, Checkpointed | EpochEnded)]
    assert saved.checkpoint is not None
    resumed = replace(task, folder=jobs.folder(), checkpoint=folder / saved.checkpoint.name)
    link = Link()
    _, fitted = train(resumed, link)
    started = link.messages[0]
    assert (started.epoch, started.step) != (0, 0)
    return fitted


def fit_by_keras(case: Case, initial: Arrays) -> Fitted:
    """Train by plain Keras's `compile` and `fit`, from the same weights."""
    x = keras.Input((4,), name="x")
    hidden = keras.layers.Dense(5, activation="tanh", **case.layer)(x)
    y = keras.layers.Dense(**HEADS[case.head])(hidden)
    if case.head == "sequences":
        y = keras.layers.Reshape((4, 3))(y)
    model = keras.Model([x], {"y": y})
    model.set_weights(initial)
    keras.utils.clear_session(free_memory=False)  # Keras counts the metrics of a class for names
    model.compile(**dict(_compile_arguments(case.compile)))
    # `fit` builds it while it traces a graph, where `ScheduleFreeAdamW` loses its first values
    model.optimizer.build(model.trainable_variables)
    history = model.fit(
        (X,),
        {"y": TARGETS[case.head]},
        batch_size=BATCH,
        epochs=case.epochs,
        shuffle=False,
        verbose=0,
        validation_split=SPLIT if case.validates else 0.0,
        sample_weight={"y": WEIGHTS} if case.weighs else None,
    ).history
    names = list(history)
    rows = zip(*history.values(), strict=True)
    return Fitted(
        model.get_weights(), [dict(zip(names, map(_number, row), strict=True)) for row in rows]
    )


def _number(value: Any) -> Any:
    return np.asarray(value, np.float64).tolist()


def _compile_arguments(given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the arguments of Keras's `compile` that a `compile` of JSON stands for."""
    yield "optimizer", _make("optimizer", given.get("optimizer", "rmsprop"))
    loss = given["loss"]
    if isinstance(loss, list):
        yield "loss", {"y": [_make("loss", part["loss"]) for part in loss]}
        yield "loss_weights", {"y": [part["weight"] for part in loss]}
    else:
        yield "loss", {"y": _make("loss", loss)}
    for name in ("metrics", "weighted_metrics"):
        if name in given:
            yield name, {"y": [_make(name, spec) for spec in given[name]]}


def _make(role: str, value: Any) -> Any:
    """Make a Keras object as a script does; a name stays a name."""
    if not isinstance(value, dict):
        return value
    config = {name: _make(name, inner) for name, inner in value.get("config", {}).items()}
    return getattr(_MODULES[role], value["type"])(**config)


def compare(one: Fitted, other: Fitted, tolerance: float = 0.0) -> str | None:
    """Describe the first difference of two results; None if all bits are equal.

    Args:
        one: A result.
        other: Another result.
        tolerance: How much numbers may differ, as a fraction; 0: not at all.
    """
    if len(one.weights) != len(other.weights):
        return "numbers of weights"
    for ours, theirs in zip(one.weights, other.weights, strict=True):
        if not _is_equal(ours, theirs, tolerance):
            return f"weights differ by {np.abs(ours - theirs).max()}"
    for mine, others in zip(one.history, other.history, strict=True):
        if mine.keys() != others.keys():
            return f"history: {sorted(mine)} and {sorted(others)}"
        different = [n for n in mine if not _is_equal(mine[n], others[n], tolerance)]
        if different:
            return f"history of {different}: {mine} and {others}"
    return None


def _is_equal(one: Any, other: Any, tolerance: float) -> bool:
    if tolerance:
        return bool(np.allclose(one, other, rtol=tolerance, atol=tolerance, equal_nan=True))
    return np.array_equal(one, other, equal_nan=True)


def find_wrong_parts(ours: Fitted, plain: Fitted) -> str | None:
    """Describe parts of a loss that are wrong; Keras reports the last part alone, as `y_loss`.

    The last part of the history is that of Keras, and each part of the validation is what NumPy
    computes of the final weights.
    """
    *_, last = ours.history
    for mine, others in zip(ours.history, plain.history, strict=True):
        if mine["y_mean_absolute_error_loss"] != others["y_loss"]:
            return f"the last part: {mine} and {others}"
    kernel, bias, last_kernel, last_bias = ours.weights
    rest = slice(round(ROWS * (1 - SPLIT)), None)
    hidden = np.tanh(X[rest] @ kernel + bias)
    errors = hidden @ last_kernel + last_bias - TARGETS["numbers"][rest]
    batches = [errors[start : start + BATCH] for start in range(0, len(errors), BATCH)]
    wanted = {  # Keras averages the means of the batches
        "val_y_mse_loss": np.mean([np.mean(batch**2) for batch in batches]),
        "val_y_mean_absolute_error_loss": np.mean([np.mean(np.abs(batch)) for batch in batches]),
    }
    wrong = [n for n, v in wanted.items() if n in last and not np.isclose(last[n], v, rtol=1e-5)]
    return f"{wrong}: {last} and {wanted}" if wrong else None


def drop_parts(fitted: Fitted) -> Fitted:
    """Return a result without the losses of single parts, which Keras names alike."""
    kept = [
        {name: value for name, value in epoch.items() if "y_" not in name}
        for epoch in fitted.history
    ]
    return Fitted(fitted.weights, kept)


def compare_all(cases: Mapping[str, Case]) -> dict[str, str]:
    """Train each case in both ways; return the cases whose results differ. Runs in a child."""
    pin(deterministic=True)
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as root:
        jobs = Jobs(Path(root))
        for name, case in cases.items():
            try:
                initial, ours = train(make_task(case, jobs), Link())
                plain = fit_by_keras(case, initial)
                if isinstance(case.compile["loss"], list):
                    difference = find_wrong_parts(ours, plain)
                    ours, plain = drop_parts(ours), drop_parts(plain)
                    difference = difference or compare(ours, plain)
                else:
                    difference = compare(ours, plain, case.tolerance)
            except Exception as error:  # every case is reported, not the first one alone
                difference = f"{type(error).__name__}: {error}"
            if difference is not None:
                found[name] = difference
            keras.utils.clear_session(free_memory=False)
    return found


def resume_all(cases: Mapping[str, Case], save_at: Sequence[int]) -> dict[str, str]:
    """Interrupt and resume each case; return the cases whose results differ. Runs in a child."""
    pin(deterministic=True)
    steps.EXECUTION_SECONDS = 0.0001  # an execution for each step
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as root:
        jobs = Jobs(Path(root))
        for name, case in cases.items():
            try:
                task = make_task(case, jobs)
                _, whole = train(task, Link())
                for number in save_at:
                    difference = compare(train_and_resume(task, jobs, number), whole)
                    if difference is not None:
                        found[f"{name}, saved at {number}"] = difference
            except Exception as error:
                found[name] = f"{type(error).__name__}: {error}"
            keras.utils.clear_session(free_memory=False)
    return found
