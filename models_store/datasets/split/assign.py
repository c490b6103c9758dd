"""Assigns rows to the parts of a split."""

from collections.abc import Sequence

import numpy as np

from models_store.datasets.columns.npy import Array


class TooFewGroups(Exception):
    """There are fewer groups than parts."""


def assign_rows(
    rows: int, fractions: Sequence[float], random: np.random.Generator | None
) -> list[Array]:
    """Returns the rows of each part.

    Args:
        rows: The number of rows.
        fractions: The fraction of the rows in each part; their sum is 1.
        random: Draws the rows; None takes them in order.
    """
    order = np.arange(rows) if random is None else random.permutation(rows)
    return _cut(order, _share(rows, np.array(fractions), np.zeros(len(fractions))))


def assign_strata(
    strata: Array, fractions: Sequence[float], random: np.random.Generator | None
) -> list[Array]:
    """Returns the rows of each part, which has its share of the rows of each stratum.

    Args:
        strata: The number of the stratum of each row.
        fractions: The fraction of the rows in each part.
        random: Draws the rows; None takes them in order.
    """
    order = np.arange(len(strata)) if random is None else random.permutation(len(strata))
    by_stratum = order[np.argsort(strata[order], kind="stable")]
    bounds = np.cumsum(np.bincount(strata))[:-1]
    parts: list[list[Array]] = [[] for _ in fractions]
    owed = np.zeros(len(fractions))
    for members in np.split(by_stratum, bounds):
        counts = _share(len(members), np.array(fractions), owed)
        owed += len(members) * np.array(fractions) - counts
        for part, chosen in zip(parts, _cut(members, counts), strict=True):
            part.append(chosen)
    joined = [np.concatenate(part) for part in parts]
    return [np.sort(part) if random is None else random.permutation(part) for part in joined]


def assign_groups(
    groups: Array, fractions: Sequence[float], random: np.random.Generator | None
) -> list[Array]:
    """Returns the rows of each part, which has whole groups.

    Args:
        groups: The number of the group of each row.
        fractions: The fraction of the rows that each part has about.
        random: Draws the groups and the order of the rows; None takes them in order.

    Raises:
        TooFewGroups: A part would be empty.
    """
    sizes = np.bincount(groups)
    if len(sizes) < len(fractions):
        raise TooFewGroups
    order = np.arange(len(sizes)) if random is None else random.permutation(len(sizes))
    part_of = _place_groups(order, sizes, np.array(fractions))
    part_of_row = part_of[groups]
    parts = [np.flatnonzero(part_of_row == part) for part in range(len(fractions))]
    return parts if random is None else [random.permutation(part) for part in parts]


def _place_groups(order: Array, sizes: Array, fractions: Array) -> Array:
    """Returns the part of each group: the one that lacks the largest part of its rows.

    While there are only as many groups left as empty parts, each of them gets one.
    """
    wanted = fractions * sizes.sum()
    taken = np.zeros(len(fractions))
    part_of = np.empty(len(sizes), np.int64)
    for place, group in enumerate(order):
        empty = np.flatnonzero(taken == 0)
        must_fill = len(empty) >= len(order) - place
        lack = (wanted - taken) / wanted
        part = empty[0] if must_fill and len(empty) else int(lack.argmax())
        part_of[group] = part
        taken[part] += sizes[group]
    return part_of


def _share(count: int, fractions: Array, owed: Array) -> Array:
    """Returns how many of some rows each part gets: its share, rounded up or down.

    Args:
        count: The number of rows.
        fractions: The fraction of each part.
        owed: The rows that each part lacks from earlier shares.
    """
    exact = count * fractions
    counts = np.floor(exact + 1e-9).astype(np.int64)
    rest = exact - counts
    room = np.where(rest > 1e-9, rest + owed, -np.inf)
    for part in np.argsort(-room, kind="stable")[: count - int(counts.sum())]:
        counts[part] += 1
    return counts


def _cut(rows: Array, counts: Array) -> list[Array]:
    return np.split(rows, np.cumsum(counts)[:-1])
