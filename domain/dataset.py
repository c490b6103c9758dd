"""A dataset: named columns with equally many rows."""

from typing import Annotated

from pydantic import StringConstraints

from domain.contract import Result

ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=256)]
"""Any text: a column's name never reaches a file path."""


class Column(Result):
    """One column: an array whose first axis are the rows."""

    name: ColumnName
    dtype: str
    """NumPy's name of the source dtype, e.g. `float64`."""
    shape: list[int]
    """Of one row: `[]` for a scalar."""
    min: float | None
    """Smallest finite value; `null` when there is none."""
    max: float | None
    not_finite: int = 0
    """How many values are NaN or infinite."""
