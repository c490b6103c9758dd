"""Splits have the properties that scikit-learn's splits have."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from models_store.datasets.columns.npy import Array
from models_store.datasets.split.assign import (
    TooFewGroups,
    assign_groups,
    assign_rows,
    assign_strata,
)

FRACTIONS = st.lists(st.integers(1, 9), min_size=1, max_size=4).map(
    lambda weights: [weight / sum(weights) for weight in weights]
)
SEEDS = st.none() | st.integers(0, 2**32 - 1)


def make_random(seed: int | None) -> np.random.Generator | None:
    return None if seed is None else np.random.default_rng(seed)


def check_partition(parts: list[Array], rows: int) -> None:
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(rows))


@settings(deadline=None)
@given(st.integers(1, 400), FRACTIONS, SEEDS)
def test_each_row_is_in_one_part(rows: int, fractions: list[float], seed: int | None) -> None:
    parts = assign_rows(rows, fractions, make_random(seed))
    check_partition(parts, rows)
    for part, fraction in zip(parts, fractions, strict=True):
        assert abs(len(part) - rows * fraction) < 1
    if seed is None:
        assert np.array_equal(np.concatenate(parts), np.arange(rows))


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=300), FRACTIONS, SEEDS)
def test_each_part_has_its_share_of_each_stratum(
    values: list[int], fractions: list[float], seed: int | None
) -> None:
    strata = np.unique(values, return_inverse=True)[1]
    parts = assign_strata(strata, fractions, make_random(seed))
    check_partition(parts, len(strata))
    for part, fraction in zip(parts, fractions, strict=True):
        counts = np.bincount(strata[part], minlength=strata.max() + 1)
        assert (np.abs(counts - np.bincount(strata) * fraction) < 1).all()
        assert abs(len(part) - len(strata) * fraction) <= len(fractions)


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=300), FRACTIONS, SEEDS)
def test_groups_are_whole(values: list[int], fractions: list[float], seed: int | None) -> None:
    groups = np.unique(values, return_inverse=True)[1]
    if groups.max() + 1 < len(fractions):
        with pytest.raises(TooFewGroups):
            assign_groups(groups, fractions, make_random(seed))
        return
    parts = assign_groups(groups, fractions, make_random(seed))
    check_partition(parts, len(groups))
    found = [set(groups[part].tolist()) for part in parts]
    assert all(found)
    assert sum(map(len, found)) == groups.max() + 1


def test_proportions_are_those_of_scikit_learn() -> None:
    strata = np.repeat([0, 1, 2], [500, 300, 200])
    ours = assign_strata(strata, [0.8, 0.2], np.random.default_rng(3))
    theirs = train_test_split(np.arange(1000), test_size=0.2, stratify=strata, random_state=3)
    for own, other in zip(ours, theirs, strict=True):
        assert np.array_equal(np.bincount(strata[own]), np.bincount(strata[other]))


def test_groups_fill_parts_better_than_scikit_learn() -> None:
    groups = np.repeat(np.arange(40), np.arange(1, 41))
    parts = assign_groups(groups, [0.7, 0.3], np.random.default_rng(3))
    splitter = GroupShuffleSplit(1, test_size=0.3, random_state=3)
    _, test = next(splitter.split(groups, groups=groups))
    wanted = 0.3 * len(groups)
    assert abs(len(parts[1]) - wanted) <= max(abs(len(test) - wanted), 40)


def test_a_seed_repeats_a_split() -> None:
    first, again, other = (
        assign_rows(1000, [0.5, 0.5], np.random.default_rng(seed)) for seed in (7, 7, 8)
    )
    assert np.array_equal(first[0], again[0])
    assert not np.array_equal(first[0], other[0])
