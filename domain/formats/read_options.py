"""Options of reading a dataset: the query parameters of an upload, or `options` of an import."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from domain.contract import Contract
from domain.dataset import ColumnName
from domain.dtype import Dtype

DEFAULT_NULL = ("", "NA", "NaN", "null")
"""The texts that mean a missing value, unless `null` is given."""
MOST_COLUMNS = 4_096
MOST_NULLS = 100
MOST_PIXELS = 1 << 25
"""The most pixels of an image, which is decoded and resized in memory."""
_WILDCARD = "*"


def _check_delimiter(text: str) -> str:
    is_one = len(text) == 1 and text.isascii() and not text.isalnum()
    if not is_one or text in '"\r\n\0.+-':
        raise ValueError("a delimiter is one ASCII character that no number, quote or line has")
    return text


def _check_pattern(text: str) -> str:
    if text.count(_WILDCARD) != 1:
        raise ValueError("a pattern has one `*` in place of the numbers, e.g. `pixel_*`")
    return text


def _check_shape(shape: list[int | None]) -> list[int | None]:
    if None in shape[1:]:
        raise ValueError("only the first number of a shape may be null, for rows of any length")
    return shape


def _check_size(text: str) -> str:
    height, width = map(int, text.split("x"))
    if height * width > MOST_PIXELS:
        raise ValueError(f"an image has at most {MOST_PIXELS} pixels")
    return text


Delimiter = Annotated[str, AfterValidator(_check_delimiter)]
NullText = Annotated[str, Field(max_length=256)]
Size = Annotated[int, Field(ge=1, lt=2**31)]
RowShape = Annotated[list[Size | None], Field(max_length=31), AfterValidator(_check_shape)]
Pattern = Annotated[str, Field(max_length=256), AfterValidator(_check_pattern)]


class ReadOptions(Contract):
    """How a body is read. Each format takes some of these options."""

    delimiter: Delimiter | None = None
    """The character between two cells; by default a comma, or a tab in
    `text/tab-separated-values`."""
    header: bool | None = None
    """Whether the first line has the names of the columns; by default true. Without it, they are
    `column_0`, `column_1` and so on."""
    null: Annotated[list[NullText], Field(max_length=MOST_NULLS)] | None = None
    """The texts that mean a missing value; by default the empty cell, `NA`, `NaN` and `null`."""
    quoted_null: bool | None = None
    """Whether a quoted cell can be missing, such as `""` or `"NA"`; by default true."""
    dtype: Annotated[Mapping[ColumnName, Dtype], Field(max_length=MOST_COLUMNS)] = {}
    """The dtypes of columns; those of the other columns follow from their values."""
    shape: Annotated[Mapping[ColumnName, RowShape], Field(max_length=MOST_COLUMNS)] = {}
    """The shapes of the rows of columns. If the first number is null, the rows differ in length."""
    vector: Annotated[Mapping[ColumnName, Pattern], Field(max_length=MOST_COLUMNS)] = {}
    """New columns, each with the pattern of the names of the columns that it joins. `pixel_*` joins
    `pixel_0`, `pixel_1` and so on in the order of their numbers."""

    column: ColumnName | None = None
    """The name of the only column of an `.npy` file; by default `x`."""
    size: (
        Annotated[str, Field(pattern=r"^[1-9]\d{0,4}x[1-9]\d{0,4}$"), AfterValidator(_check_size)]
        | None
    ) = None
    """The height and the width of images, e.g. `28x28`; by default that of the images, which then
    have equal sizes."""
    channels: Literal[1, 3, 4] | None = None
    """The channels of images: grey, RGB or RGBA; by default those of the first image."""

    @property
    def given(self) -> list[str]:
        """The names of the options that were given."""
        return [name for name in type(self).model_fields if name in self.model_fields_set]

    @property
    def null_texts(self) -> list[str]:
        """The texts that mean a missing value."""
        return list(DEFAULT_NULL) if self.null is None else self.null


DEFAULT_OPTIONS = ReadOptions()
COLUMN_OPTIONS = ("dtype", "shape", "vector")
"""The options by column; in a query, `<option>.<column>` is the name of the parameter."""
