"""A dataset's body, once it is read: the columns on the disk, all of one length."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from domain.pointer import pointer
from models_store.datasets.formats.faults import Faults
from models_store.datasets.formats.npy import Written

MOST_COLUMNS = 4096
MOST_COLUMN_NAME = 256
MOST_DATASET_NAME = 512


class Source(Protocol):
    """What a body is read from."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end."""
        ...


class Body(NamedTuple):
    """What a body held."""

    name: str | None
    columns: Sequence[Written]
    """At least one, with equally many rows, at least one."""

    @property
    def rows(self) -> int:
        """Of every column."""
        return self.columns[0].rows

    @property
    def nbytes(self) -> int:
        """Of all arrays."""
        return sum(written.nbytes for written in self.columns)


def check_rows(rows: dict[str, int], faults: Faults) -> None:
    """Notes every column that is longer or shorter than the first."""
    first, expected = next(iter(rows.items()), ("", 0))
    for name, count in rows.items():
        if count != expected:
            detail = f"Column '{name}' has {count} rows where '{first}' has {expected}."
            faults.add(pointer("columns", name), detail)


def is_column_name(name: str, taken: int, faults: Faults) -> bool:
    """Whether one more column may be called this; else the fault is noted.

    Raises:
        Invalid: there are too many columns.
    """
    if taken >= MOST_COLUMNS:
        faults.stop("/columns", f"A dataset has at most {MOST_COLUMNS} columns.")
    fits = 1 <= len(name) <= MOST_COLUMN_NAME and "\0" not in name
    if not fits:
        detail = f"A column's name has 1 to {MOST_COLUMN_NAME} characters, none U+0000."
        faults.add(pointer("columns", name), detail)
    return fits
