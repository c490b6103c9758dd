"""How columns of Arrow's types are stored, and which types are not taken."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pt
from ml_dtypes import bfloat16

from domain.dtype import TEXT
from models_store.datasets.columns.npy import MAX_AXES

MOST_EXACT_DIGITS = 18
"""Digits of a decimal number that int64 always represents."""
ADVICE = "A column holds numbers, booleans, text, or equally nested lists of one of them."


Level = tuple[int | None, ...]
"""The sizes of one level of lists: None if each list has its own, several sizes for a tensor."""


class Unsupported(Exception):
    """A column has a type that is not taken; `detail` is a predicate, such as "holds structs"."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True)
class ColumnType:
    """The type of a column, with the lists around its values taken apart."""

    leaf: pa.DataType
    """The type of one value."""
    levels: tuple[Level, ...] = ()
    """The lists around a value, outermost first."""
    order: tuple[int, ...] = ()
    """The order of the axes of a tensor in storage; empty if it is that of the rows."""

    @property
    def dtype(self) -> str:
        """The dtype of the stored values, if the client gives none."""
        return find_dtype(self.leaf)


def analyse(kind: pa.DataType) -> ColumnType:
    """Takes the lists of a type apart.

    Raises:
        Unsupported: A column cannot have the type.
    """
    levels: list[Level] = []
    order: tuple[int, ...] = ()
    while (level := _get_level(kind)) is not None:
        if 0 in level:
            raise Unsupported("has rows without values")
        if isinstance(kind, pa.FixedShapeTensorType):
            _check_tensor(kind)
            order = _find_order(kind, len(levels))
        levels.append(level)
        if sum(map(len, levels)) >= MAX_AXES:
            raise Unsupported(f"has lists nested more than {MAX_AXES - 1} deep")
        kind = kind.value_type
    find_dtype(kind)
    if pt.is_null(kind) and any(None not in level for level in levels):
        raise Unsupported("holds lists without a type of values")
    return ColumnType(kind, tuple(levels), order)


def _get_level(kind: pa.DataType) -> Level | None:
    if isinstance(kind, pa.FixedShapeTensorType):
        return tuple(kind.shape)
    if pt.is_fixed_size_list(kind):
        return (kind.list_size,)
    return (None,) if pt.is_list(kind) or pt.is_large_list(kind) else None


def _check_tensor(kind: Any) -> None:
    """Checks what the metadata of a tensor state, which nothing else compares."""
    shape, order = list(kind.shape), kind.permutation
    is_whole = min(shape, default=0) > 0 and math.prod(shape) == kind.storage_type.list_size
    if not is_whole or (order is not None and sorted(order) != list(range(len(shape)))):
        raise Unsupported("holds tensors whose shape does not fit their values")


def _find_order(kind: Any, depth: int) -> tuple[int, ...]:
    permutation = kind.permutation
    if permutation is None or list(permutation) == sorted(permutation):
        return ()
    if depth:
        raise Unsupported("holds lists of tensors whose axes are in another order in storage")
    return tuple(permutation)


def find_dtype(kind: pa.DataType) -> str:
    """Returns the dtype of a column with values of this type.

    Decimal numbers without fraction and with up to 18 digits are int64, all others float64. Dates
    and times are text in the form of ISO 8601, as they are in a CSV.

    Raises:
        Unsupported: A column cannot have the type.
    """
    if pt.is_dictionary(kind):
        return find_dtype(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return _find_extension_dtype(kind)
    if pt.is_boolean(kind) or pt.is_integer(kind) or pt.is_floating(kind):
        return str(np.dtype(kind.to_pandas_dtype()).name)
    if pt.is_null(kind):
        return "float64"
    if pt.is_decimal(kind):
        return "int64" if kind.scale == 0 and kind.precision <= MOST_EXACT_DIGITS else "float64"
    if is_text(kind) or is_time(kind):
        return TEXT
    raise Unsupported(f"holds {_describe(kind)}. {ADVICE}")


def _find_extension_dtype(kind: Any) -> str:
    if kind.extension_name == "arrow.json":
        return TEXT
    if kind.extension_name == "arrow.bool8":
        return "bool"
    raise Unsupported(f"holds values of the extension type {kind.extension_name}. {ADVICE}")


def is_text(kind: pa.DataType) -> bool:
    """Whether values are stored as text in UTF-8."""
    return bool(pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind))


def is_time(kind: pa.DataType) -> bool:
    """Whether values are dates, times of a day, or both."""
    return bool(pt.is_date(kind) or pt.is_time(kind) or pt.is_timestamp(kind))


def to_numpy(dtype: str) -> "np.dtype[Any]":
    """Returns NumPy's dtype of a column of numbers or booleans."""
    return np.dtype(bfloat16 if dtype == "bfloat16" else dtype)


def _describe(kind: pa.DataType) -> str:
    if pt.is_binary(kind) or pt.is_large_binary(kind) or pt.is_binary_view(kind):
        return "bytes; text has the type `string` (UTF8 in Parquet)"
    if pt.is_fixed_size_binary(kind):
        return "bytes"
    if pt.is_duration(kind):
        return "time spans; send them as numbers"
    names = {pa.types.is_struct: "structs", pa.types.is_map: "maps", pa.types.is_union: "unions"}
    named = next((name for has_type, name in names.items() if has_type(kind)), f"`{kind}`")
    return f"{named}; send each field as a column of its own" if named == "structs" else named
