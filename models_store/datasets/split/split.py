"""Splits a dataset into parts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from domain.dataset import Dataset
from domain.errors import Fault, Invalid
from domain.splits.split import SplitRequest
from models_store.datasets.columns.npy import Array
from models_store.datasets.split.assign import (
    TooFewGroups,
    assign_groups,
    assign_rows,
    assign_strata,
)
from models_store.datasets.split.keys import number_values
from models_store.datasets.split.views import make_views
from models_store.files.key import NewFile
from models_store.files.store import ArtifactStore


class StagedSplit(NamedTuple):
    """The parts of a split; their files are not published."""

    parts: dict[str, Dataset]
    files: list[NewFile]


@contextmanager
def stage_split(
    store: ArtifactStore, dataset: Dataset, request: SplitRequest, seed: int
) -> Iterator[StagedSplit]:
    """Makes the parts of a dataset, with files that exist inside the `with` block.

    Args:
        store: The artifact store.
        dataset: The dataset.
        request: How it is split.
        seed: The seed of the random order.

    Raises:
        Invalid: A column cannot be used, or a part would have no rows.
        NotFound: The dataset has been deleted.
    """
    rows = dict(zip(request.parts, _assign(store, dataset, request, seed), strict=True))
    empty = [name for name, chosen in rows.items() if not len(chosen)]
    if empty:
        raise Invalid([_describe_empty(name, dataset.rows) for name in empty])
    with store.scratch(dataset.id) as folder:
        views = dict(zip(rows, make_views(store, dataset, rows, folder), strict=True))
        parts = {name: view for name, (view, _) in views.items()}
        yield StagedSplit(parts, [file for _, file in views.values()])


def _assign(
    store: ArtifactStore, dataset: Dataset, request: SplitRequest, seed: int
) -> list[Array]:
    random = np.random.default_rng(seed) if request.shuffle else None
    total = sum(request.parts.values())
    fractions = [fraction / total for fraction in request.parts.values()]
    if request.stratify is not None and request.group is not None:
        detail = "A split has either `stratify` or `group`."
        raise Invalid([Fault(pointer="/group", detail=detail)])
    if request.stratify is not None:
        strata = number_values(store, dataset, request.stratify, "stratify")
        return assign_strata(strata, fractions, random)
    if request.group is not None:
        return _assign_groups(store, dataset, request.group, fractions, random)
    return assign_rows(dataset.rows, fractions, random)


def _assign_groups(
    store: ArtifactStore,
    dataset: Dataset,
    column: str,
    fractions: list[float],
    random: np.random.Generator | None,
) -> list[Array]:
    groups = number_values(store, dataset, column, "group")
    try:
        return assign_groups(groups, fractions, random)
    except TooFewGroups:
        count = int(groups.max()) + 1
        detail = f"Column '{column}' has {count} groups for {len(fractions)} parts."
        raise Invalid([Fault(pointer="/group", detail=detail)]) from None


def _describe_empty(name: str, rows: int) -> Fault:
    detail = f"The part '{name}' would have none of the {rows} rows."
    return Fault(pointer=f"/parts/{name.replace('~', '~0').replace('/', '~1')}", detail=detail)
