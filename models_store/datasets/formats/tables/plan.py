"""Decides which columns a table gives, by its own columns and the options of the client."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from domain.dtype import TEXT
from domain.errors import clip, did_you_mean
from domain.formats.read_options import ReadOptions
from domain.json.pointer import pointer
from models_store.datasets.formats.body import MAX_COLUMNS, check_column_name
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.tables.types import ColumnType, Unsupported, analyse


class PlannedColumn(NamedTuple):
    """A column of the dataset."""

    name: str
    sources: tuple[int, ...]
    """The positions of its columns in the table: several if it is a vector of them."""
    types: tuple[ColumnType, ...]
    dtype: str
    shape: tuple[int | None, ...] | None
    """The shape of a row that the client gave."""


def check_names(names: Sequence[str], faults: Faults) -> None:
    """Checks the names of the columns of a table.

    Raises:
        Invalid: There is no column, there are too many, or a name is wrong.
    """
    if not names:
        faults.stop("/columns", "The table has no columns.")
    if len(names) > MAX_COLUMNS:
        detail = f"The table has {len(names)} columns; a dataset has at most {MAX_COLUMNS}."
        faults.stop("/columns", detail)
    seen: dict[str, int] = {}
    for place, name in enumerate(names):
        if not name:
            detail = f"Column {place + 1} has no name; pandas omits its index by `index=False`."
            faults.add("/columns", detail)
        elif check_column_name(name, 0, faults) and name in seen:
            detail = f"Columns {seen[name] + 1} and {place + 1} are both named '{clip(name)}'."
            faults.add(pointer("columns", name), detail)
        seen[name] = place
    faults.check()


def plan_columns(
    names: Sequence[str], types: Sequence[pa.DataType], options: ReadOptions, faults: Faults
) -> list[PlannedColumn]:
    """Returns the columns of the dataset.

    Args:
        names: The valid names of the columns of the table.
        types: Their types.
        options: The options of the client.
        faults: The faults so far.

    Raises:
        Invalid: An option names no column, or a column has a type that is not taken.
    """
    groups = group_columns(names, options, faults)
    found = [_analyse(name, kind, faults) for name, kind in zip(names, types, strict=True)]
    faults.check()
    known = [kind for kind in found if kind is not None]
    planned = [
        _plan(name, sources, [known[source] for source in sources], names, options, faults)
        for name, sources in groups.items()
    ]
    faults.check()
    return planned


def group_columns(
    names: Sequence[str], options: ReadOptions, faults: Faults
) -> dict[str, tuple[int, ...]]:
    """Returns the positions in the table of each column of the dataset.

    Raises:
        Invalid: An option names no column, or vectors are not distinct.
    """
    owners: dict[int, str] = {}
    members: dict[str, list[int]] = {}
    for vector, pattern in options.vector.items():
        members[vector] = _find_members(vector, pattern, names, faults)
        for place in members[vector]:
            if place in owners:
                detail = f"Column '{names[place]}' is part of '{owners[place]}' as well."
                faults.add(pointer("options", "vector", vector), f"`vector.{vector}`: {detail}")
            owners[place] = vector
    groups: dict[str, tuple[int, ...]] = {}
    for place, name in enumerate(names):
        owner = owners.get(place)
        if owner is None and name in options.vector:
            detail = f"`vector.{name}`: the table has a column '{name}' already."
            faults.add(pointer("options", "vector", name), detail)
        groups.setdefault(owner or name, tuple(members[owner]) if owner else (place,))
    _check_given("dtype", options.dtype, groups, names, faults)
    _check_given("shape", options.shape, groups, names, faults)
    faults.check()
    return groups


def _find_members(vector: str, pattern: str, names: Sequence[str], faults: Faults) -> list[int]:
    """Returns the positions of the columns of a vector, in the order of their numbers."""
    before, _, after = map(re.escape, pattern.partition("*"))
    matcher = re.compile(f"{before}([0-9]+){after}")
    matches = {place: matcher.fullmatch(name) for place, name in enumerate(names)}
    numbers = {place: int(match[1]) for place, match in matches.items() if match}
    place = pointer("options", "vector", vector)
    if not numbers:
        faults.add(place, f"`vector.{vector}`: no column is named like '{pattern}' with a number.")
    if len(set(numbers.values())) < len(numbers):
        faults.add(place, f"`vector.{vector}`: two columns of '{pattern}' have the same number.")
    return sorted(numbers, key=numbers.__getitem__)


def _check_given(
    option: str,
    given: Iterable[str],
    groups: Mapping[str, object],
    names: Sequence[str],
    faults: Faults,
) -> None:
    """Adds a fault for each name in an option that is no column of the dataset."""
    for name in given:
        if name in groups:
            continue
        if name in names:
            detail = f"column '{name}' is part of a vector, which has one {option}."
        else:
            detail = f"there is no column '{clip(name)}'.{did_you_mean(name, groups)}"
        faults.add(pointer("options", option, name), f"`{option}.{clip(name)}`: {detail}")


def _analyse(name: str, kind: pa.DataType, faults: Faults) -> ColumnType | None:
    try:
        return analyse(kind)
    except Unsupported as unsupported:
        faults.add(pointer("columns", name), f"Column '{clip(name)}' {unsupported.detail}")
        return None


def _plan(
    name: str,
    sources: tuple[int, ...],
    types: list[ColumnType],
    names: Sequence[str],
    options: ReadOptions,
    faults: Faults,
) -> PlannedColumn:
    shape = options.shape.get(name)
    if name in options.vector:
        _check_members(name, sources, types, names, faults)
    dtype = options.dtype.get(name) or _join_dtypes([kind.dtype for kind in types])
    if name in options.vector and dtype == TEXT and name in options.dtype:
        detail = f"`dtype.{name}`: the columns of a vector hold numbers."
        faults.add(pointer("options", "dtype", name), detail)
    return PlannedColumn(
        name, sources, tuple(types), dtype, None if shape is None else tuple(shape)
    )


def _check_members(
    vector: str,
    sources: tuple[int, ...],
    types: list[ColumnType],
    names: Sequence[str],
    faults: Faults,
) -> None:
    """Adds a fault unless the columns of a vector hold numbers in rows of one fixed shape."""
    first = types[0].levels
    for source, kind in zip(sources, types, strict=True):
        place, start = pointer("columns", names[source]), f"Column '{names[source]}' of '{vector}' "
        if kind.dtype == TEXT:
            faults.add(place, f"{start}holds text; the columns of a vector hold numbers.")
        elif kind.levels != first or any(None in level for level in kind.levels):
            faults.add(place, f"{start}holds lists; the columns of a vector have equal shapes.")


def _join_dtypes(dtypes: list[str]) -> str:
    """Returns the dtype that holds the values of all columns of a vector."""
    if len(set(dtypes)) == 1:
        return dtypes[0]
    if TEXT in dtypes:
        return TEXT
    return str(np.result_type(*dtypes).name)
