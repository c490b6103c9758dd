"""The estimate of the remaining time."""

import pytest

from worker.supervisor.progress import Estimate


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_remaining_time_is_extrapolated_from_the_pace_so_far() -> None:
    clock = Clock()
    estimate = Estimate(10, clock)
    assert estimate.estimate(0, 0, 4).seconds_remaining is None
    clock.now += 5
    progress = estimate.estimate(2, 2, 4)
    assert progress.fraction == 0.25
    assert progress.seconds_remaining == 15


def test_a_resumed_attempt_counts_its_own_pace_alone() -> None:
    clock = Clock()
    estimate = Estimate(10, clock)
    estimate.estimate(5, 0, 4)
    clock.now += 4
    assert estimate.estimate(6, 0, 4).seconds_remaining == pytest.approx(16)


def test_a_job_that_stops_early_has_the_fraction_1() -> None:
    progress = Estimate(10, Clock()).finish(3)
    assert (progress.epoch, progress.fraction, progress.seconds_remaining) == (3, 1.0, 0.0)
