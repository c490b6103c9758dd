"""Counts of distinct numbers."""

import numpy as np
import pytest

from worker.training.reports.streams.value_counts import ValueCounts


def test_few_distinct_numbers_are_counted_one_by_one() -> None:
    numbers = np.array([1.5, -0.0, 0.0, -2, np.inf, 1.5, -np.inf])
    counts = ValueCounts(10)
    counts.add(numbers)
    expected, found = np.unique(numbers, return_counts=True)
    assert counts.values.tolist() == expected.tolist()
    assert counts.weights.tolist() == [found.tolist()]
    assert not counts.has_merged


@pytest.mark.parametrize("weighted", [False, True])
def test_two_groups(weighted: bool) -> None:
    random = np.random.default_rng(0)
    numbers, second = random.normal(size=500).round(1), random.random(500) < 0.5
    weights = random.random(500) if weighted else np.ones(500)
    counts = ValueCounts(1_000, groups=2)
    for part in (slice(100), slice(100, 500)):
        counts.add(numbers[part], weights[part] if weighted else None, second[part])
    for value, first_sum, second_sum in zip(counts.values, *counts.weights, strict=True):
        has = np.isclose(numbers, value, rtol=1e-15)
        assert first_sum == pytest.approx(weights[has & ~second].sum())
        assert second_sum == pytest.approx(weights[has & second].sum())


def test_of_many_numbers_the_counts_are_exact_between_their_bounds() -> None:
    random = np.random.default_rng(0)
    numbers = random.normal(size=20_000) * 10.0 ** random.integers(-20, 20, 20_000)
    counts = ValueCounts(500)
    counts.add(numbers)
    assert counts.has_merged
    assert 100 <= len(counts.values) <= 500
    assert (np.diff(counts.values) > 0).all()
    expected, _ = np.histogram(numbers, [*counts.values, np.inf])
    assert counts.weights[0].tolist() == expected.tolist()


def test_shares_near_one_are_told_apart_as_well_as_those_near_zero() -> None:
    """So a model that is sure of most rows has curves as fine as one that is not."""
    random = np.random.default_rng(0)
    low = 10.0 ** random.uniform(-12, 0, 20_000) / 2
    shares = np.concatenate([low, 1 - low, [0, 0.5, 1]])
    exact, counts = ValueCounts(100_000, shares=True), ValueCounts(1_000, shares=True)
    exact.add(shares)
    np.testing.assert_allclose(exact.values, np.unique(shares), rtol=0, atol=1e-15)
    counts.add(shares)
    expected, _ = np.histogram(shares, [*counts.values, np.inf])
    assert counts.weights[0].tolist() == expected.tolist()
    assert counts.weights.max() < 400
    other = np.array([-3, 0.5, 1.5, 1e300])
    wide = ValueCounts(10, shares=True)
    wide.add(other)
    assert wide.values.tolist() == other.tolist()


def test_the_order_of_the_numbers_decides_nothing() -> None:
    numbers = np.random.default_rng(0).normal(size=5_000)
    one, other = ValueCounts(300), ValueCounts(300)
    one.add(numbers)
    for part in np.array_split(numbers[::-1].copy(), 7):
        other.add(part)
    assert one.values.tolist() == other.values.tolist()
    assert one.weights.tolist() == other.weights.tolist()
