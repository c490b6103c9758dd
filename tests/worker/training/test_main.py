"""The training process as its supervisor sees it: forked processes that send messages."""

import os
import resource
import signal
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from multiprocessing.connection import Connection
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from domain.job.recipe import Component, Fit, OutputRecipe, Recipe
from tests.worker.child import in_child
from tests.worker.training_tasks import (
    DENSE,
    WORDS,
    Jobs,
    dense_columns,
    node,
    recipe,
    start,
    words_columns,
)
from worker.protocol.messages import EpochEnded, Failed, Finished, Renewed, Started, Stepped, Warned
from worker.protocol.tasks import Task, TrainTask
from worker.training.hardware.environment import pin
from worker.training.main import run
from worker.training.steps import make_row_order
from worker.training.supervisor_link import EXIT_CODE


def test_a_training_reports_its_progress_and_writes_complete_files(jobs: Jobs) -> None:
    fit = Fit(epochs=3, validation_split=0.25)
    attempt = start(jobs.train(DENSE, dense_columns(), recipe(), fit))
    finished = attempt.finish()

    assert attempt.process.exitcode == 0
    started = attempt.messages[0]
    assert isinstance(started, Started)
    assert (started.epoch, started.steps) == (0, 10)
    assert started.environment["deterministic"] is True
    assert started.environment["keras"] == keras.__version__
    epochs = [message for message in attempt.messages if isinstance(message, EpochEnded)]
    assert [message.epoch for message in epochs] == [1, 2, 3]
    assert {*epochs[0].metrics} == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert [message.metrics for message in epochs] == attempt.metrics()
    assert finished.metrics == epochs[-1].metrics
    assert [file.name for file in finished.files] == [
        "model.safetensors",
        "model.keras",
        "model.weights.h5",
        "history.json",
        "optimizer.safetensors",
    ]
    for file in finished.files:
        content = (attempt.folder / file.name).read_bytes()
        assert (len(content), sha256(content).hexdigest()) == (file.bytes, file.sha256)


def train_and_send_folder(task: TrainTask, connection: Connection) -> None:
    """Runs a task, then sends the folder for temporary files as a warning."""
    run(task, connection)
    connection.send(Warned(tempfile.gettempdir()))


def test_temporary_files_of_keras_are_in_the_attempts_folder(jobs: Jobs) -> None:
    attempt = start(
        jobs.train(DENSE, dense_columns(), recipe(), Fit(epochs=1)), train_and_send_folder
    )
    assert attempt.until(lambda message: isinstance(message, Warned)) == Warned(str(attempt.folder))


def weights_by_keras(
    seed: int, epochs: int, columns: dict[str, Any], class_weight: Any = None
) -> dict[str, Any]:
    """The weights of the same training in plain Keras, with the rows in the job's order."""
    pin(deterministic=True)
    keras.utils.set_random_seed(seed)
    x = keras.Input((64,), name="x")
    hidden = layers.Dense(64, activation="relu")(x)
    hidden = layers.Dropout(0.2)(hidden)
    model = keras.Model(x, layers.Dense(10, activation="softmax")(hidden))
    model.compile("rmsprop", "categorical_crossentropy")
    classes = {int(i): weight for i, weight in class_weight.items()} if class_weight else None
    for epoch in range(epochs):
        rows = make_row_order(seed, epoch, len(columns["x"]), shuffle=True)
        taken = columns["x"][rows], columns["y"][rows]
        model.fit(*taken, shuffle=False, verbose=0, class_weight=classes)
    return {str(i): weight for i, weight in enumerate(model.get_weights())}


@pytest.mark.parametrize(
    "class_weight", [pytest.param(None, marks=pytest.mark.slow), {"3": 5.0, "7": 0.25}]
)
def test_the_weights_equal_those_of_a_keras_script(jobs: Jobs, class_weight: Any) -> None:
    columns = dense_columns()
    made = recipe(class_weight=class_weight)
    task = jobs.train(DENSE, columns, made, Fit(epochs=2))
    attempt = start(task)
    attempt.finish()

    theirs = in_child(weights_by_keras, task.seed, 2, columns, class_weight)
    ours = attempt.weights()
    kernels = [ours["hidden/kernel"], ours["hidden/bias"], ours["y/kernel"], ours["y/bias"]]
    assert all(map(np.array_equal, kernels, theirs.values()))


@pytest.mark.parametrize("threads", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_the_process_uses_the_threads_of_the_task(jobs: Jobs, threads: int) -> None:
    attempt = start(jobs.build(DENSE, threads=threads))
    attempt.finish()
    started = attempt.messages[0]
    assert isinstance(started, Started)
    assert started.environment["intra_op_threads"] == threads
    assert started.environment["inter_op_threads"] == threads


def test_a_build_has_the_initial_weights_of_the_script(jobs: Jobs) -> None:
    task = jobs.build(DENSE)
    attempt = start(task)
    finished = attempt.finish()

    assert finished.metrics == {}
    assert attempt.metrics() == []
    theirs = in_child(weights_by_keras, task.seed, 0, dense_columns(1))
    assert np.array_equal(attempt.weights()["hidden/kernel"], theirs["0"])


TWO = {
    "inputs": [{"name": "x", "shape": [64]}],
    "nodes": [
        node("hidden", "Dense", "x", units=16, activation="relu"),
        node("digit", "Dense", "hidden", units=10, activation="softmax"),
        node("odd", "Dense", "hidden", units=1, activation="sigmoid"),
        node("spare", "Dense", "hidden", units=3),
    ],
    "outputs": ["digit", "odd", "spare"],
}


def two_recipe(**odd: Any) -> Recipe:
    outputs = {
        "digit": OutputRecipe(
            loss="sparse_categorical_crossentropy", metrics=["accuracy"], target="digit"
        ),
        "odd": OutputRecipe(loss="binary_crossentropy", loss_weight=0.5, target="odd", **odd),
        "spare": OutputRecipe(),
    }
    return Recipe(optimizer="adam", jit_compile=False, inputs={"x": ["x"]}, outputs=outputs)


def two_columns(rows: int = 200) -> dict[str, Any]:
    random = np.random.default_rng(0)
    digit = random.integers(0, 10, rows)
    return {
        "x": random.random((rows, 64)),
        "digit": digit,
        "odd": digit % 2,
        "zero": np.zeros(rows),
        "one": np.ones(rows),
    }


@pytest.mark.slow
def test_an_output_without_a_loss_needs_no_target(jobs: Jobs) -> None:
    attempt = start(jobs.train(TWO, two_columns(), two_recipe()))
    metrics = attempt.finish().metrics

    assert {*metrics} == {"loss", "digit_loss", "odd_loss", "digit_accuracy"}
    weights = attempt.weights()
    untrained = start(jobs.build(TWO))
    untrained.finish()
    assert np.array_equal(weights["spare/kernel"], untrained.weights()["spare/kernel"])
    assert not np.array_equal(weights["odd/kernel"], untrained.weights()["odd/kernel"])


@pytest.mark.slow
def test_sample_weights_apply_to_their_output_only(jobs: Jobs) -> None:
    silent = start(jobs.train(TWO, two_columns(), two_recipe(sample_weight="zero")))
    whole = start(jobs.train(TWO, two_columns(), two_recipe(sample_weight="one")))
    plain = start(jobs.train(TWO, two_columns(), two_recipe()))
    for attempt in (silent, whole, plain):
        attempt.finish()
    untrained = start(jobs.build(TWO))
    untrained.finish()

    assert np.array_equal(silent.weights()["odd/kernel"], untrained.weights()["odd/kernel"])
    assert not np.array_equal(silent.weights()["digit/kernel"], untrained.weights()["digit/kernel"])
    assert np.array_equal(whole.weights()["odd/kernel"], plain.weights()["odd/kernel"])


@pytest.mark.slow
def test_a_training_starts_from_given_weights(jobs: Jobs) -> None:
    first = start(jobs.train(DENSE, dense_columns(), recipe(), Fit(epochs=2)))
    first.finish()
    fit = Fit(epochs=1)
    rate = Component(type="SGD", config={"learning_rate": 0.0})
    task = jobs.train(DENSE, dense_columns(), recipe(optimizer=rate), fit)
    second = start(replace(task, initial_weights=first.folder / "model.safetensors"))
    second.finish()

    assert np.array_equal(second.weights()["hidden/kernel"], first.weights()["hidden/kernel"])


@pytest.mark.slow
def test_a_validation_dataset_of_its_own_is_used(jobs: Jobs) -> None:
    columns = dense_columns()
    task = jobs.train(DENSE, columns, recipe(), Fit(epochs=1))
    same = start(replace(task, validation_columns=task.columns))
    other = start(
        replace(
            task,
            folder=jobs.folder(),
            validation_columns=jobs.columns({"x": columns["x"][:40] + 9, "y": columns["y"][:40]}),
        )
    )

    losses: list[Any] = [one.finish().metrics["val_loss"] for one in (same, other)]
    assert losses[0] < losses[1]


@pytest.mark.slow
def test_progress_is_reported_at_least_once_a_second(jobs: Jobs) -> None:
    attempt = start(jobs.train(DENSE, dense_columns(40_000), recipe(), Fit(batch_size=1)))
    attempt.until(lambda message: isinstance(message, Stepped) and message.step > 1)
    times = []
    while isinstance(attempt.until(lambda _: True), Stepped):
        times.append(time.monotonic())
    attempt.finish()

    gaps = np.diff(times)
    assert len(gaps) > 1
    assert gaps.max() < 1.0
    assert gaps.min() > 0.1


@pytest.mark.slow
def test_a_warning_of_keras_is_sent_once(jobs: Jobs) -> None:
    waiting = Component(type="EarlyStopping", config={"monitor": "val_loss"})
    attempt = start(
        jobs.train(DENSE, dense_columns(), recipe(), Fit(epochs=3, callbacks=[waiting]))
    )
    attempt.finish()

    texts = [message.text for message in attempt.messages if isinstance(message, Warned)]
    assert len(texts) == 1
    assert "`val_loss` which is not available" in texts[0]


@pytest.mark.slow
def test_a_warning_of_keras_about_logits_is_sent(jobs: Jobs) -> None:
    loss = Component(type="CategoricalCrossentropy", config={"from_logits": True})
    made = recipe().model_copy(update={"outputs": {"y": OutputRecipe(loss=loss, target="y")}})
    attempt = start(jobs.train(DENSE, dense_columns(), made))
    attempt.finish()

    (text,) = [message.text for message in attempt.messages if isinstance(message, Warned)]
    assert "received `from_logits=True`" in text


def failure_of(attempt: Any) -> Failed:
    """The failure of an attempt, which quotes no path and no traceback."""
    last = attempt.end()
    assert isinstance(last, Failed), last
    assert "/tmp" not in last.detail
    assert "Traceback" not in last.detail
    return last


@pytest.mark.slow
def test_the_failure_of_an_index_outside_an_embedding_names_its_input(jobs: Jobs) -> None:
    columns = words_columns()
    columns["x"][99, 3] = 5_000
    failure = failure_of(start(jobs.train(WORDS, columns, recipe("binary_crossentropy"))))

    assert (failure.category, failure.pointer) == ("user", "/feed/inputs")
    assert failure.detail == (
        "Column 'x', which feeds 'x', contains 5000; the graph accepts only 0 to 49."
    )


def test_the_failure_of_a_class_outside_the_softmax_names_its_output(jobs: Jobs) -> None:
    columns = two_columns()
    columns["digit"][5] = 10
    failure = failure_of(start(jobs.train(TWO, columns, two_recipe())))

    assert (failure.category, failure.pointer) == ("user", "/feed/targets")
    assert "Column 'digit', which feeds 'digit', contains 10" in failure.detail


@pytest.mark.parametrize(
    ("fit", "loss", "text", "place"),
    [
        (
            Fit(validation_split=0.999),
            "categorical_crossentropy",
            "leaves one side of 400 rows",
            "/fit/validation_split",
        ),
        (Fit(), "binary_crossentropy", "shape", "/compile/loss"),
    ],
)
def test_an_error_of_keras_is_the_users_fault(
    jobs: Jobs, fit: Fit, loss: str, text: str, place: str
) -> None:
    columns = dense_columns()
    if loss == "binary_crossentropy":
        columns["y"] = columns["y"][:, :3]
    failure = failure_of(start(jobs.train(DENSE, columns, recipe(loss), fit)))

    assert failure.category == "user"
    assert failure.pointer == place
    assert text in failure.detail


def run_with_stderr_in_a_file(task: Task, connection: Connection) -> None:
    """Runs a task in a process that writes its log to a file beside the task's folder."""
    file = os.open(task.folder.with_suffix(".stderr"), os.O_CREAT | os.O_WRONLY)
    os.dup2(file, 2)
    run(task, connection)


def test_an_attribute_error_of_our_own_is_ours_and_is_logged(jobs: Jobs) -> None:
    task = replace(jobs.build(DENSE), blueprint=None)  # type: ignore[arg-type]
    attempt = start(task, run_with_stderr_in_a_file)
    failure = failure_of(attempt)

    assert (failure.type, failure.category) == ("internal", "infrastructure")
    assert "attribute" not in failure.detail
    log = attempt.folder.with_suffix(".stderr").read_text()
    assert "Traceback" in log
    assert "AttributeError: 'NoneType' object has no attribute 'definition'" in log


def train_with_small_disk(task: TrainTask, connection: Connection) -> None:
    """Runs a task in a process that may write at most 10,000 bytes to a file."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
    run(task, connection)


def test_a_full_disk_is_not_the_users_fault(jobs: Jobs) -> None:
    attempt = start(jobs.build(DENSE), train_with_small_disk)
    failure = failure_of(attempt)

    assert (failure.type, failure.category) == ("storage-full", "infrastructure")
    assert attempt.process.exitcode == 1
    assert list(attempt.folder.iterdir()) == []


def endless(jobs: Jobs, **fields: Any) -> TrainTask:
    """A task that runs until the process is ended."""
    return replace(jobs.train(DENSE, dense_columns(2_000), recipe(), Fit(epochs=100_000)), **fields)


def test_the_process_ends_if_its_supervisor_has_ended(jobs: Jobs) -> None:
    attempt = start(endless(jobs))
    attempt.until(lambda message: isinstance(message, EpochEnded))
    attempt.connection.close()
    attempt.process.join(20)

    assert attempt.process.exitcode == EXIT_CODE


@pytest.mark.slow
def test_the_process_ends_with_its_lease_and_runs_while_it_is_renewed(jobs: Jobs) -> None:
    attempt = start(endless(jobs, lease_seconds=3.0))
    until = time.monotonic() + 6
    while time.monotonic() < until:
        attempt.connection.send(Renewed())
        attempt.until(lambda message: isinstance(message, EpochEnded | Stepped))
    assert attempt.process.is_alive()

    stale = Renewed(at=time.monotonic() - 60)
    with suppress(EOFError, ConnectionError):
        while attempt.until(lambda _: True):
            attempt.connection.send(stale)
    attempt.process.join(20)
    assert attempt.process.exitcode == EXIT_CODE


@pytest.mark.slow
def test_a_process_that_was_stopped_past_its_lease_writes_no_file(jobs: Jobs) -> None:
    attempt = start(endless(jobs, lease_seconds=5.0))
    attempt.until(lambda message: isinstance(message, EpochEnded))
    pid = attempt.process.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    attempt.connection.send(Renewed())
    before = sorted(attempt.folder.iterdir())
    attempt.process.join(6)  # the process cannot end, but its lease does
    os.kill(pid, signal.SIGCONT)
    attempt.process.join(20)

    assert attempt.process.exitcode == EXIT_CODE
    assert sorted(attempt.folder.iterdir()) == before


def test_no_message_follows_the_last_one(jobs: Jobs) -> None:
    attempt = start(jobs.build(DENSE))
    assert isinstance(attempt.end(), Finished)

    with pytest.raises(EOFError):
        attempt.connection.recv()


WIDE = {
    "inputs": [{"name": "x", "shape": [64]}],
    "nodes": [
        node("wide", "Dense", "x", units=20_000),
        node("wider", "Dense", "wide", units=20_000),
        node("y", "Dense", "wider", units=10, activation="softmax"),
    ],
    "outputs": ["y"],
}
LARGE = {
    "inputs": [{"name": "x", "shape": [None]}],
    "nodes": [
        node("row", "Reshape", "x", target_shape=[-1, 1]),
        node("long", "UpSampling1D", "row", size=200_000),
        node("pooled", "GlobalAveragePooling1D", "long"),
        node("y", "Dense", "pooled", units=10, activation="softmax"),
    ],
    "outputs": ["y"],
}


@pytest.mark.slow  # TensorFlow waits 10 s for memory before it gives up
@pytest.mark.parametrize("definition", [WIDE, LARGE], ids=["weights", "activations"])
def test_a_job_over_the_memory_limit_fails_with_the_limit(jobs: Jobs, definition: Any) -> None:
    task = jobs.train(definition, dense_columns(), recipe(), memory_bytes=2**29)
    failed = start(task).end()
    assert isinstance(failed, Failed)
    assert (failed.type, failed.category) == ("out-of-memory", "user")
    assert "536,870,912 bytes that it may take (MAX_TRAINING_MEMORY_BYTES)" in failed.detail


@pytest.mark.slow
def test_a_memory_limit_does_not_change_the_result(jobs: Jobs) -> None:
    task = jobs.train(DENSE, dense_columns(), recipe(), memory_bytes=2**29)
    bounded = start(task)
    bounded.finish()
    free = start(replace(task, folder=jobs.folder(), memory_bytes=0))
    free.finish()
    assert [list(bounded.weights()), bounded.metrics()] == [list(free.weights()), free.metrics()]
