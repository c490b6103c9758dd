"""Samples of a stream."""

import numpy as np

from worker.training.reports.streams.sample import Sample


def draw(sizes: list[int]) -> list[tuple[int, int]]:
    """Rows and units of a sample of 500 of 100,000 numbers."""
    sample, start = Sample(500), 0
    for size in sizes:
        numbers = np.zeros((size, 5))
        sample.add(numbers, numbers, np.arange(start, start + size))
        start += size
    rows, units, *_ = sample.list_drawn()
    return list(zip(rows.tolist(), units.tolist(), strict=True))


def test_batches_do_not_change_what_is_drawn() -> None:
    drawn = draw([20_000])
    assert drawn == draw([1, 9_999, 7_000, 3_000])
    assert len(set(drawn)) == 500
    assert drawn == sorted(drawn)


def test_all_places_are_equally_likely() -> None:
    """Within five standard deviations of what independent draws would give."""
    drawn = np.array(draw([20_000]))
    by_unit = np.bincount(drawn[:, 1], minlength=5)
    assert (abs(by_unit - 100) < 5 * np.sqrt(100)).all()
    by_part = np.bincount(drawn[:, 0] // 2_000, minlength=10)
    assert (abs(by_part - 50) < 5 * np.sqrt(50)).all()
