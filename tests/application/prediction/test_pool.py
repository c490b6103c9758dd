"""The pool hands results over, keeps a process for others, and ends at once."""

import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from application.prediction.pool import PredictionPool, Task
from application.prediction.process import Call, Result
from application.settings import Settings
from domain.errors import Busy, Invalid
from domain.key import LOCAL_OWNER


def ignore(name: str, outcome: str, seconds: float) -> None:
    """Observes nothing."""


@pytest.fixture
def pool() -> Iterator[PredictionPool]:
    running = PredictionPool(Settings(predict_processes=2), ignore)
    yield running
    running.close()


def make_task(function: str, *arguments: object) -> Task:
    def accept(result: Result, path: Path) -> None:
        assert path == Path("file")

    return Task(lambda: nullcontext(Path("file")), lambda path: Call(function, arguments), accept)


def test_a_result_arrives(pool: PredictionPool) -> None:
    task = make_task("builtins.sum", [1, 2])
    assert pool.submit("ann", "model", task).result(60) == 3


@pytest.mark.parametrize(
    ("slow", "other"),
    [(("ann", "a"), ("ben", "b")), ((LOCAL_OWNER, "a"), (LOCAL_OWNER, "b"))],
    ids=["owners", "models without keys"],
)
def test_slow_predictions_of_one_leave_a_process_to_another(
    pool: PredictionPool, slow: tuple[str, str], other: tuple[str, str]
) -> None:
    held = [pool.submit(*slow, make_task("time.sleep", 30)) for _ in range(4)]
    assert pool.submit(*other, make_task("builtins.len", "ab")).result(25) == 2
    assert not any(future.done() for future in held)


def test_a_prediction_that_takes_too_long_is_invalid_and_the_next_one_works() -> None:
    pool = PredictionPool(Settings(predict_processes=1, predict_seconds=1), ignore)
    late = pool.submit("ann", "a", make_task("time.sleep", 60))
    next_one = pool.submit("ann", "a", make_task("builtins.len", "abc"))
    with pytest.raises(Invalid) as refusal:
        late.result(60)
    assert "PREDICT_SECONDS" in refusal.value.faults[0].detail
    assert next_one.result(60) == 3
    pool.close()


def test_closing_ends_calls_and_cancels_what_waits() -> None:
    pool = PredictionPool(Settings(predict_processes=1), ignore)
    pool.submit("ann", "a", make_task("builtins.len", "")).result(60)
    running = pool.submit("ann", "a", make_task("time.sleep", 60))
    while not running.running():
        time.sleep(0.01)
    waiting = pool.submit("ann", "a", make_task("builtins.len", ""))
    began = time.monotonic()
    pool.close()
    assert time.monotonic() - began < 20
    assert waiting.cancelled()
    with pytest.raises(Busy):
        running.result(0)
