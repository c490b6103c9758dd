"""Infers the types of the columns of a CSV from all of their cells."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.errors import clip
from models_store.datasets.columns.npy import Array
from models_store.datasets.formats.tables.nested import RowFault
from models_store.datasets.formats.tables.parse import find_unparsed, parse_texts

NOT_DECIMAL = r"^[ \t]*0([0-9]+|[xX].*)[ \t]*$"
"""Texts that are not numbers although they can be read as such: 007 would lose its zeros."""
_HAS_FRACTION = r"[^0-9+-]"
_HAS_DIGIT = r"[0-9]"
_WORD = r"^(?i:true|false)$"


class Wanted(NamedTuple):
    """What is asked of a column."""

    dtype: str | None
    """The dtype that the client gave for numbers or booleans; None if it is inferred."""

    @property
    def integer(self) -> pa.DataType:
        """The type of whole numbers."""
        return pa.uint64() if self.dtype == "uint64" else pa.int64()


class ColumnCells:
    """What the cells of a column show."""

    def __init__(self, wanted: Wanted, *, may_have_zeros: bool) -> None:
        """Starts without cells.

        Args:
            wanted: What is asked of the column.
            may_have_zeros: Whether a cell of the table may be a whole number with leading zeros.
        """
        self._wanted = wanted
        self._may_have_zeros = may_have_zeros and wanted.dtype is None
        self._has_values = False
        self._is_integer = self._is_float = self._is_boolean = True
        self._has_zeros = False
        self._has_fraction = False
        self._first_large: int | None = None
        """The first row with a whole number that the type of whole numbers does not hold."""
        self._fault: RowFault | None = None

    @property
    def is_decided(self) -> bool:
        """Whether further cells change nothing."""
        is_text = not (self._is_integer or self._is_float or self._is_boolean)
        return is_text or self._has_zeros or self._fault is not None

    def add(self, cells: pa.Array, row: int) -> None:
        """Adds cells.

        Args:
            cells: Texts; null where a value is missing.
            row: The row of the first of them.
        """
        if self.is_decided or cells.null_count == len(cells):
            return
        rows = row + np.flatnonzero(pc.is_valid(cells).to_numpy(zero_copy_only=False))
        texts = cells.drop_null()
        if self._may_have_zeros and pc.any(pc.match_substring_regex(texts, NOT_DECIMAL)).as_py():
            self._has_zeros = True
            return
        self._add_texts(texts, rows)
        self._has_values = True

    def _add_texts(self, texts: pa.Array, rows: Array) -> None:
        parsed = parse_texts(texts, self._wanted.integer)
        if parsed is not None:
            self._is_boolean = False
            return
        self._is_integer = False
        numbers = parse_texts(texts, pa.float64()) if self._is_float else None
        if numbers is not None:
            self._is_boolean = False
            self._add_floats(texts, numbers, rows)
            return
        self._is_float = False
        is_words = pc.all(pc.match_substring_regex(texts, _WORD)).as_py()
        self._is_boolean = self._is_boolean and bool(is_words)
        if not self._is_boolean and self._wanted.dtype is not None:
            self._refuse(texts, rows, find_unparsed(texts, pa.float64()))

    def _add_floats(self, texts: pa.Array, numbers: pa.Array, rows: Array) -> None:
        has_fraction = pc.match_substring_regex(texts, _HAS_FRACTION)
        self._has_fraction |= bool(pc.any(has_fraction).as_py())
        if self._first_large is None:
            is_large = pc.greater_equal(pc.abs(numbers), 2.0**63)
            self._find_large(texts, pc.and_not(is_large, has_fraction), rows)
        overflows = pc.and_(pc.is_inf(numbers), pc.match_substring_regex(texts, _HAS_DIGIT))
        if pc.any(overflows).as_py():
            index = pc.index(overflows, True).as_py()
            text = clip(texts[index].as_py())
            self._fault = RowFault(int(rows[index]), f"{text} is beyond the range of float64.")

    def _find_large(self, texts: pa.Array, are_large: pa.Array, rows: Array) -> None:
        """Finds the first whole number that the type of whole numbers does not hold."""
        large = pc.utf8_ltrim(texts.filter(are_large), "+ \t")
        if len(large) and parse_texts(large, self._wanted.integer) is None:
            places = np.flatnonzero(are_large.to_numpy(zero_copy_only=False))
            self._first_large = int(rows[places[find_unparsed(large, self._wanted.integer)]])

    def _refuse(self, texts: pa.Array, rows: Array, index: int) -> None:
        text = clip(texts[index].as_py())
        self._fault = RowFault(int(rows[index]), f"'{text}' is no {self._wanted.dtype}.")

    def decide(self, name: str) -> pa.DataType:
        """Returns the type of the column.

        Raises:
            RowFault: A cell is at fault; the row counts in the table.
        """
        if self._fault is not None:
            raise self._fault
        if self._has_zeros:
            return pa.string()
        if not self._has_values:
            return pa.float64()
        if self._is_integer:
            return self._wanted.integer
        if self._is_float:
            self._check_large(name)
            return pa.float64()
        return pa.bool_() if self._is_boolean else pa.string()

    def _check_large(self, name: str) -> None:
        wants_float = self._wanted.dtype is not None and "float" in self._wanted.dtype
        if self._first_large is not None and not self._has_fraction and not wants_float:
            advice = f"Give the dtype of the column: `dtype.{name}=uint64`, `float64` or `string`."
            detail = f"This whole number is beyond {self._wanted.integer}. {advice}"
            raise RowFault(self._first_large, detail)
