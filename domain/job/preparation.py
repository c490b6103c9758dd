"""How columns are prepared for a training: classes, missing values and windows."""

from typing import Annotated, Literal, get_args

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr

from domain.contract import WHOLE, Contract
from domain.dataset import MOST_CLASSES, ClassValue, ColumnName
from domain.early_stop import STOP_EARLY

ClassValues = Annotated[list[ClassValue], STOP_EARLY, Field(min_length=2, max_length=MOST_CLASSES)]
"""The classes of a column: the first has index 0."""
Strategy = Literal["mean", "median", "most_frequent", "drop"]
STRATEGIES: tuple[str, ...] = get_args(Strategy)
DROP = "drop"
Missing = StrictBool | StrictInt | StrictFloat | StrictStr
"""What takes the place of missing values: one of `STRATEGIES`, or a value."""
_Count = Annotated[int, Field(strict=True, ge=1, le=1_000_000), WHOLE]


class Window(Contract):
    """Windows over consecutive rows, as `keras.utils.timeseries_dataset_from_array` counts them."""

    length: _Count
    """Number of rows in each window: Keras's `sequence_length`."""
    stride: _Count = 1
    """Number of rows from the first row of a window to that of the next: `sequence_stride`."""
    rate: _Count = 1
    """Number of rows from one row of a window to its next: `sampling_rate`."""
    target_offset: Annotated[int, Field(strict=True, ge=0, le=2**40), WHOLE] | None = None
    """Number of rows from the first row of a window to the row of its target. If left out,
    `length * rate`: the target is that of the row after the window."""
    group: ColumnName | None = None
    """A column; no window contains rows with two values of it."""

    @property
    def span(self) -> int:
        """The number of rows from the first row of a window to its last."""
        return (self.length - 1) * self.rate

    @property
    def offset(self) -> int:
        """The number of rows from the first row of a window to the row of its target."""
        return self.length * self.rate if self.target_offset is None else self.target_offset

    @property
    def least_rows(self) -> int:
        """The number of consecutive rows that one window and its target need."""
        return max(self.span, self.offset) + 1

    def count(self, rows: int) -> int:
        """Return the number of windows over so many rows."""
        return max(0, -(-(rows - self.least_rows + 1) // self.stride))
