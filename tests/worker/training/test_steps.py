from typing import Any

import keras
import numpy as np
import pytest

from tests.worker.child import in_child
from tests.worker.keras_models import (
    Case,
    Fitted,
    built,
    data,
    feed_for,
    fit_by_keras,
    fit_by_loop,
    ignore,
)
from worker.training.state.callbacks import ends_on_nan
from worker.training.steps import EXECUTION_SECONDS, Logs, Pace, Steps, make_row_order


def same_bits(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(map(np.array_equal, one, other))


@pytest.mark.parametrize(
    "case",
    [
        Case("dense", rows=1_000, validation_rows=70),
        pytest.param(Case("dense", rows=1_024, validation_rows=64), marks=pytest.mark.slow),
        pytest.param(
            Case("dense", rows=1_000, validation_rows=70, constant_bytes=0), marks=pytest.mark.slow
        ),
        pytest.param(Case("dense", rows=20, validation_rows=7), marks=pytest.mark.slow),
        pytest.param(Case("headlines", rows=300, validation_rows=70), marks=pytest.mark.slow),
        pytest.param(Case("headlines", rows=320, validation_rows=64), marks=pytest.mark.slow),
        pytest.param(Case("tweets", rows=300, validation_rows=70), marks=pytest.mark.slow),
        pytest.param(
            Case("tweets", rows=320, validation_rows=64, constant_bytes=600_000),
            marks=pytest.mark.slow,
        ),
    ],
    ids=str,
)
def test_the_loop_gives_the_bits_of_plain_fit(case: Case) -> None:
    theirs: Fitted = in_child(fit_by_keras, case)
    ours: Fitted = in_child(fit_by_loop, case)

    assert same_bits(ours.weights, theirs.weights)
    assert same_bits(ours.optimizer, theirs.optimizer)
    assert ours.logs == theirs.logs


def validation_beside_evaluate() -> tuple[Logs, Logs]:
    model = built("headlines")
    inputs, targets = data("headlines", 75)
    theirs = model.evaluate(tuple(inputs.values()), targets, verbose=0, return_dict=True)
    steps = Steps(model, model.test_step, feed_for(model, inputs, targets, slice(None)), 32)
    return steps.run(np.arange(75), ignore), theirs


@pytest.mark.slow
def test_validation_gives_the_result_of_evaluate() -> None:
    ours, theirs = in_child(validation_beside_evaluate)

    assert ours == theirs


def test_only_seed_and_epoch_decide_the_order() -> None:
    third = make_row_order(7, 3, 100, shuffle=True)

    assert sorted(third) == list(range(100))
    assert np.array_equal(third, make_row_order(7, 3, 100, shuffle=True))
    assert not np.array_equal(third, make_row_order(7, 4, 100, shuffle=True))
    assert not np.array_equal(third, make_row_order(8, 3, 100, shuffle=True))
    assert np.array_equal(make_row_order(7, 3, 100, shuffle=False), np.arange(100))


def test_the_pace_reaches_executions_of_the_target_duration() -> None:
    pace, seconds_a_step = Pace(), 0.001
    pace.measure(1, 3.0)  # sets up
    for _ in range(5):
        pace.measure(pace.steps, pace.steps * seconds_a_step)

    assert pace.steps == int(EXECUTION_SECONDS / seconds_a_step)
    pace.measure(pace.steps, pace.steps * seconds_a_step * 100)
    assert pace.steps == int(EXECUTION_SECONDS / seconds_a_step / 100)
    pace.measure(pace.steps, 1_000.0)
    assert pace.steps == 1


def reports_of_one_pass() -> list[int]:
    model = built("dense")
    inputs, targets = data("dense", 3_210)
    reports: list[int] = []
    steps = Steps(model, model.train_step, feed_for(model, inputs, targets, slice(None)), 32)
    steps.run(np.arange(3_210), lambda step, _: reports.append(step))
    return [steps.count, *reports]


def test_every_step_runs_once_at_every_pace() -> None:
    count, *reports = in_child(reports_of_one_pass)

    assert count == reports[-1] == 101
    assert reports == sorted(set(reports))
    assert len(reports) > 1


def steps_until_not_finite() -> tuple[int, int]:
    """Finished steps of our loop and of Keras's, where the target of row 330 of 640 is NaN."""
    inputs, targets = data("dense", 640)
    targets["y"][330] = np.nan
    callback, optimizer_steps = keras.callbacks.TerminateOnNaN(), []
    model = built("dense")
    feed = feed_for(model, inputs, targets, slice(None))
    steps = Steps(model, model.train_step, feed, 32, while_finite=ends_on_nan([callback]))
    steps.run(np.arange(640), ignore)
    optimizer_steps.append(int(model.optimizer.iterations.numpy()))
    model = built("dense")
    model.fit((inputs["x"],), targets, shuffle=False, verbose=0, callbacks=[callback])
    return optimizer_steps[0], int(model.optimizer.iterations.numpy())


def test_terminate_on_nan_stops_right_after_the_step() -> None:
    ours, theirs = in_child(steps_until_not_finite)

    assert ours == theirs == 330 // 32 + 1
