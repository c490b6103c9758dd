"""A dataset: named columns with equally many rows."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic.json_schema import SkipJsonSchema

from domain.contract import Result
from domain.ids import DatasetId

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
    sha256: SkipJsonSchema[str | None] = Field(default=None, exclude=True)
    """Of the column as it is kept, an `.npy` file; no business of a client's."""


class Dataset(Result):
    """Columns that were sent together, as they are kept."""

    id: DatasetId
    name: str | None
    rows: int
    bytes: int
    """Of the arrays, in their source dtypes."""
    sha256: str
    """Of the body as it was sent."""
    columns: list[Column]
    created_at: datetime
