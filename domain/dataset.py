"""A dataset: named columns with equally many rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    Discriminator,
    Field,
    RootModel,
    StrictBool,
    StrictInt,
    StrictStr,
    StringConstraints,
    Tag,
    WithJsonSchema,
)
from pydantic.json_schema import SkipJsonSchema

from domain.contract import Result
from domain.ids import DatasetId

ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=256)]
"""Any text is allowed, since the name of a column is never part of a file path."""


MOST_CLASSES = 1_000
"""The most distinct values of a column that are counted one by one."""
MOST_CLASSES_IN_ALL = 100_000
"""The most distinct values of all columns of a dataset together that are counted one by one."""


ClassValue = StrictBool | StrictInt | StrictStr
"""The value of a class in a column."""


Bound = Annotated[int | float, WithJsonSchema({"type": "number"})]
"""A number of a column: an `int` is exact beyond 2**53, where a `float` is not."""


class ClassCount(Result):
    """A value of a column, and the number of times that it occurs."""

    value: bool | int | str
    count: int


class FilePlace(Result):
    """The place of an array in a file that several columns share."""

    file: str
    """The name of the file in the folder of its dataset."""
    offset: int
    """The bytes before the array."""


class ColumnPart(Result):
    """An array of a column, which has a file of its own or a place in a shared file."""

    sha256: str
    """Hash of the file."""
    bytes: int
    """Bytes of the array with its header."""
    place: FilePlace | None = None
    """Where the array is in a shared file; None if it has a file of its own."""


def make_file_name(index: int, part: str) -> str:
    """Return the name of a file of a column; it does not contain the name of the column.

    Args:
        index: The position of the column in the dataset.
        part: The part of the column that the file holds; see `Column.parts`.
    """
    middle = "" if part == "values" else f".{part}"
    return f"{index}{middle}.npy"


class Column(Result):
    """One column: an array whose first axis counts the rows."""

    name: ColumnName
    dtype: str
    """NumPy's name of the source dtype, e.g. `float64`; `string` for text."""
    shape: Sequence[int | None]
    """Shape of one row; `[]` for a scalar. The first number is `null` if rows differ in length."""
    min: Bound | None
    """Smallest finite value; `null` if there is none. Exact for whole numbers, also beyond 2^53."""
    max: Bound | None
    """Largest finite value; `null` if there is none. Exact as `min` is."""
    mean: float | None = None
    """Mean of the finite values; `null` if there is none, or for text."""
    std: float | None = None
    """Standard deviation of the finite values, as `numpy.std` computes it."""
    not_finite: int = 0
    """Number of values that are NaN or infinite."""
    missing: int = 0
    """Number of values that are missing."""
    distinct: int | None = None
    """Number of distinct values of a column with one value in each row. Exact up to 4,096, an
    estimate with a standard error of 1.6 % beyond; `null` for other columns."""
    classes: list[ClassCount] | None = None
    """The distinct values of text, whole numbers and booleans in ascending order, each with its
    count; `null` if there are more than 1,000. A dataset keeps up to 100,000 in all: those of text
    before those of numbers, and those of the columns with the fewest first."""
    longest: int | None = None
    """Largest length of rows that differ in length; `null` for other columns."""
    sha256: SkipJsonSchema[str | None] = Field(default=None, exclude=True)
    """Hash of the column's stored `.npy` file; never sent to clients."""
    parts: SkipJsonSchema[dict[str, ColumnPart]] = Field(default_factory=dict, exclude=True)
    """The files of the column by part, e.g. `values`; never sent to clients. Empty for a column
    that an older release stored, which has its values alone."""

    @property
    def is_ragged(self) -> bool:
        """Whether the rows differ in length."""
        return bool(self.shape) and self.shape[0] is None

    def lies_in(self, low: int, high: int) -> bool:
        """Return whether all finite values lie between two bounds, both included."""
        if self.min is None or self.max is None:
            return True
        return low <= self.min and self.max <= high


class View(Result):
    """The rows of another dataset that a dataset consists of."""

    source: DatasetId
    """The dataset whose folder has the files of the columns; it may have been deleted."""
    index: ColumnPart
    """The file with the index of each row."""


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
    view: SkipJsonSchema[View | None] = Field(default=None, exclude=True)
    """Which rows of another dataset it has; None if it has files of its own. Never sent to
    clients."""

    @property
    def files_id(self) -> str:
        """The dataset whose folder has the files of the columns."""
        return self.id if self.view is None else self.view.source


class DatasetRequest(RootModel[dict[str, Any]]):
    """A dataset written out: the JSON body of `POST /v1/datasets`.

    The reader of that format checks what is in it.
    """


def _find_tag(value: Any) -> str:
    return "<text>" if isinstance(value, str) else "<object>"


DatasetIdOrRequest = Annotated[
    Annotated[DatasetId, Tag("<text>")] | Annotated[DatasetRequest, Tag("<object>")],
    Discriminator(_find_tag),
]
