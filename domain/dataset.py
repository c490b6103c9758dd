"""A dataset: named columns with equally many rows."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic.json_schema import SkipJsonSchema

from domain.contract import Result
from domain.ids import DatasetId

ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=256)]
"""Any text is allowed, since the name of a column is never part of a file path."""


class Column(Result):
    """One column: an array whose first axis counts the rows."""

    name: ColumnName
    dtype: str
    """NumPy's name of the source dtype, e.g. `float64`."""
    shape: list[int]
    """Shape of one row; `[]` for a scalar."""
    min: float | None
    """Smallest finite value; `null` if there is none."""
    max: float | None
    """Largest finite value; `null` if there is none."""
    not_finite: int = 0
    """Number of values that are NaN or infinite."""
    sha256: SkipJsonSchema[str | None] = Field(default=None, exclude=True)
    """Hash of the column's stored `.npy` file; never sent to clients."""

    def lies_in(self, low: int, high: int) -> bool:
        """Return whether all finite values lie between two bounds, both included."""
        if self.min is None or self.max is None:
            return True
        return low <= self.min and self.max <= high


class Dataset(Result):
    """A stored dataset: columns with equally many rows."""

    id: DatasetId
    name: str | None
    rows: int
    bytes: int
    """Size of the arrays in their source dtypes."""
    sha256: str
    """Hash of the body as it was sent."""
    columns: list[Column]
    created_at: datetime
