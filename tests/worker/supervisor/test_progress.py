"""How much time is left."""

import pytest

from worker.supervisor.progress import Estimate


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_rest_is_extrapolated_from_the_pace_so_far() -> None:
    clock = Clock()
    estimate = Estimate(10, clock)
    assert estimate.at(0, 0, 4).seconds_remaining is None
    clock.now += 5
    progress = estimate.at(2, 2, 4)
    assert progress.fraction == 0.25
    assert progress.seconds_remaining == 15


def test_a_resumed_attempt_counts_its_own_pace_alone() -> None:
    clock = Clock()
    estimate = Estimate(10, clock)
    estimate.at(5, 0, 4)
    clock.now += 4
    assert estimate.at(6, 0, 4).seconds_remaining == pytest.approx(16)


def test_early_stopping_is_a_whole() -> None:
    progress = Estimate(10, Clock()).finished(3)
    assert (progress.epoch, progress.fraction, progress.seconds_remaining) == (3, 1.0, 0.0)
