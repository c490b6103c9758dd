"""Constants in place of tensors: their JSON, and the arrays they mean.

A single number takes the dtype of the tensor it is computed with, as in Python. A list becomes
float32, int32 or bool, depending on its values. An object such as
`{"dtype": "int64", "value": [1, 2]}` states the dtype.
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
    """An array or a single number with a stated dtype."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]
    dtype: NumericDtype
    value: _Nested


def _regular(value: Any) -> Any:
    array_of(value)  # refuses lists of unequal lengths on one level, and values that overflow
    return value


CONSTANT = Kind(
    "a number, true, false, or an array of them: lists of one length on each level, or an object "
    'of such a `value` and its `dtype`, e.g. {"dtype": "int64", "value": [1, 2]}',
    Annotated[_Nested | TypedArray, AfterValidator(_regular)],
)


def array_of(value: Any) -> Any:
    """Convert a JSON constant to what Keras takes: a single number, or an array.

    Raises:
        ValueError: The values cannot form an array of that dtype.
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
    """Convert an array to a JSON constant. The dtype is stated if a list would mean another one.

    Raises:
        ValueError: The values cannot form an array of that dtype.
    """
    array = _typed(value, dtype)
    listed = array.tolist()
    default = array_of(listed)
    is_same = isinstance(default, np.ndarray) and default.dtype == array.dtype
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
