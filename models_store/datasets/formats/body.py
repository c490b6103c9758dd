"""The parsed body of a dataset, with its columns on the disk, and rules for columns."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from domain.json.pointer import pointer
from models_store.datasets.columns.file import ColumnFile
from models_store.datasets.formats.faults import Faults

MAX_COLUMNS = 4096
MAX_COLUMN_NAME_LENGTH = 256
MAX_DATASET_NAME_LENGTH = 512


class Source(Protocol):
    """A stream of the bytes of a body."""

    def read(self, size: int, /) -> bytes:
        """Reads up to `size` bytes; returns no bytes at the end."""
        ...


class Body(NamedTuple):
    """The parsed body of a dataset."""

    name: str | None
    columns: Sequence[ColumnFile]
    """At least one column; all have the same number of rows, at least one."""

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.columns[0].rows

    @property
    def nbytes(self) -> int:
        """The bytes of all arrays."""
        return sum(column.nbytes for column in self.columns)


def check_rows(rows: dict[str, int], faults: Faults) -> None:
    """Adds a fault for each column that has another number of rows than the first."""
    first, expected = next(iter(rows.items()), ("", 0))
    for name, count in rows.items():
        if count != expected:
            detail = f"Column '{name}' has {count} rows where '{first}' has {expected}."
            faults.add(pointer("columns", name), detail)


def check_column_name(name: str, taken: int, faults: Faults) -> bool:
    """Whether a column may have this name; adds a fault if not.

    Args:
        name: The name of the next column.
        taken: The number of columns before it.
        faults: The faults so far.

    Raises:
        Invalid: The dataset has too many columns.
    """
    if taken >= MAX_COLUMNS:
        faults.stop("/columns", f"A dataset has at most {MAX_COLUMNS} columns.")
    is_valid = 1 <= len(name) <= MAX_COLUMN_NAME_LENGTH and "\0" not in name
    if not is_valid:
        detail = f"A column's name has 1 to {MAX_COLUMN_NAME_LENGTH} characters and no U+0000."
        faults.add(pointer("columns", name), detail)
    return is_valid
