"""Numbers that stand in the place of a tensor: what JSON says, and the arrays that it means.

A single number takes the dtype of what it is computed with, as in Python. A list is float32,
int32 or bool, whichever its numbers fit; `{"dtype": "int64", "value": [1, 2]}` says it outright.
"""

from typing import Annotated, Any, Literal

import keras
import numpy as np
from pydantic import AfterValidator, ConfigDict, FiniteFloat
from typing_extensions import TypeAliasType, TypedDict

from compiler.catalogue.kinds.keras_kinds import Kind
from domain.dtype import NUMBERS

NumericDtype: Any = Literal[NUMBERS]
_Nested = TypeAliasType("_Nested", "FiniteFloat | bool | list[_Nested]")


class TypedArray(TypedDict):
    """An array, or a single number, of a dtype of its own."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]
    dtype: NumericDtype
    value: _Nested


def _regular(value: Any) -> Any:
    array_of(value)  # refuses lists of unequal lengths on one level, and what overflows
    return value


CONSTANT = Kind(
    "a number, true, false, or an array of them: lists of one length on each level, or an object "
    'of such a `value` and its `dtype`, e.g. {"dtype": "int64", "value": [1, 2]}',
    Annotated[_Nested | TypedArray, AfterValidator(_regular)],
)


def array_of(value: Any) -> Any:
    """What Keras is given for a constant: a single number as it is, else an array.

    Raises:
        ValueError: the numbers make no array of that dtype.
    """
    if isinstance(value, dict):
        return _typed(value["value"], value["dtype"])
    if not isinstance(value, list):
        return value
    array = np.array(value)
    if array.dtype.kind == "b":
        return array
    whole = array.dtype.kind == "i" and np.all(np.abs(array) < 2**31)
    return array.astype("int32" if whole else keras.config.floatx())


def constant_of(value: Any, dtype: str) -> Any:
    """The JSON of a graph for an array of a dtype; it is named where a list says another.

    Raises:
        ValueError: the numbers make no array of that dtype.
    """
    array = _typed(value, dtype)
    listed = array.tolist()
    unsaid = array_of(listed)
    is_same = isinstance(unsaid, np.ndarray) and unsaid.dtype == array.dtype
    return listed if is_same else {"dtype": dtype, "value": listed}


def _typed(value: Any, dtype: str) -> Any:
    try:
        with np.errstate(over="ignore"):
            array = np.array(value, dtype)
    except (OverflowError, TypeError) as error:
        raise ValueError(f"These are no numbers of {dtype}.") from error
    if not np.all(np.isfinite(array)) or (array.dtype.kind in "iu" and np.any(array != value)):
        raise ValueError(f"These numbers are none of {dtype}.")
    return array
