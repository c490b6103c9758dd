"""Pydantic types for JSON values; each validates values and has a JSON Schema."""

from collections.abc import Callable
from itertools import chain, islice, pairwise
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    PlainValidator,
    TypeAdapter,
    WithJsonSchema,
    WrapValidator,
)
from typing_extensions import TypeAliasType

from domain.contract import WHOLE
from domain.dtype import DTYPES, FLOATS

LARGEST = 2**31 - 1
"""The maximum of an integer; Keras's shapes have the same maximum."""
MOST_ARRAY_AXES = 6
MOST_ARRAY_VALUES = 1_000_000
"""The largest array that a config may hold."""
_POLICIES = ("mixed_float16", "mixed_bfloat16")
_FLOATS = ("float32", *(name for name in FLOATS if name != "float32"))
"""The default first."""
_UNFIT = ("int8",)
"""Dtypes that Keras takes for the name of a quantization."""


def _as_sent(value: Any, check: Callable[[Any], Any]) -> Any:
    """Validate a value without converting an int to a float, which would change Keras's dtype."""
    check(value)
    return value


def whole(least: int, most: int) -> Any:
    """Integers between two bounds, both included."""
    return Annotated[int, Field(strict=True, ge=least, le=most), WHOLE]


def number(**bounds: Any) -> Any:
    """Finite numbers; `bounds` are arguments of pydantic's `Field`."""
    return Annotated[FiniteFloat, Field(**bounds), WrapValidator(_as_sent)]


def listed(item: Any, size: int | None = None, least: int = 0) -> Any:
    """A list of items; validation stops at the first invalid item."""
    bounds = Field(min_length=size or least, max_length=size, fail_fast=True)
    return Annotated[list[item], bounds]


def from_one(most: int) -> Any:
    """Integers that Keras loops over or uses as the size of a matrix."""
    return whole(1, most)


def dtypes(*without: str) -> Any:
    """The names of floating-point dtypes, mixed policies, and all other dtypes except some."""
    others = [n for n in DTYPES if n not in (*_FLOATS, *_UNFIT, *without)]
    return Literal[(*_FLOATS, *_POLICIES, *others)]


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("even")
    return value


def _not_zero(value: int) -> int:
    if value == 0:
        raise ValueError("zero")
    return value


def _false(value: bool) -> bool:
    if value:
        raise ValueError("true")
    return value


def _distinct(values: list[Any]) -> list[Any]:
    if len(set(values)) < len(values):
        raise ValueError("repeated")
    return values


def distinct(items: Any) -> Any:
    """Lists without repeated items."""
    unique = Field(json_schema_extra={"uniqueItems": True})
    return Annotated[items, AfterValidator(_distinct), unique]


def _rising(values: list[float]) -> list[float]:
    if any(low > high for low, high in pairwise(values)):
        raise ValueError("falling")
    return values


def _apart(values: list[float]) -> list[float]:
    if values[0] >= values[1]:
        raise ValueError("empty")
    return values


def _rectangular(value: Any) -> Any:
    """Refuse nested lists if lists on one level have different lengths."""
    level = [value]
    while any(isinstance(item, list) for item in level):
        if not all(isinstance(item, list) and len(item) == len(level[0]) for item in level):
            raise ValueError("ragged")
        level = [inner for item in level for inner in item]
    return value


Whole: Any = whole(-LARGEST, LARGEST)
Count: Any = whole(0, LARGEST)
Positive: Any = whole(1, LARGEST)
Several: Any = whole(2, LARGEST)
Odd: Any = Annotated[
    Positive, AfterValidator(_odd), Field(json_schema_extra={"not": {"multipleOf": 2}})
]
NotZero: Any = Annotated[
    Whole, AfterValidator(_not_zero), Field(json_schema_extra={"not": {"const": 0}})
]
Never = Annotated[bool, AfterValidator(_false), Field(json_schema_extra={"const": False})]
Wide: Any = whole(-(2**63), 2**63 - 1)
Number: Any = number()
_NUMBER = TypeAdapter(Number, config=ConfigDict(strict=True))
Decimal = FiniteFloat
"""Numbers that become floats, where Keras refuses ints: 1 becomes 1.0."""
Fraction: Any = number(ge=0, le=1)
Part: Any = number(ge=0, lt=1)
Rest = Annotated[Literal[-1], WHOLE]
"""A size that Keras infers from the others."""
Vector: Any = listed(Number, least=1)
Array: Any = Annotated[
    Number | Vector | listed(Vector, least=1) | listed(listed(Vector, least=1), least=1),
    AfterValidator(_rectangular),
]


def _make_array(value: Any) -> "np.ndarray[Any, Any] | float":
    """Return a number as it is, and nested lists of numbers as an array.

    Raises:
        ValueError: The lists are ragged, empty, too deep or too long, or hold something else.
    """
    if not isinstance(value, list):
        return _NUMBER.validate_python(value)
    level: list[Any] = [value]
    for _ in range(MOST_ARRAY_AXES):
        lengths = {len(item) for item in level}
        level = list(islice(chain.from_iterable(level), MOST_ARRAY_VALUES + 1))
        if len(lengths) != 1 or not level or len(level) > MOST_ARRAY_VALUES:
            raise ValueError("ragged, empty or too long")
        if not any(isinstance(item, list) for item in level):
            break
        if not all(isinstance(item, list) for item in level):
            raise ValueError("ragged")
    if not all(type(item) in (int, float) for item in level):
        raise ValueError("no numbers")
    array = np.array(value, np.float64)
    if not np.isfinite(array).all():
        raise ValueError("not finite")
    return array


def _array_schema() -> dict[str, Any]:
    number = {"type": "number"}
    schema: dict[str, Any] = number
    for _ in range(MOST_ARRAY_AXES):
        items = schema if schema is number else {"anyOf": [number, schema]}
        schema = {"type": "array", "items": items, "minItems": 1}
    return {"anyOf": [number, schema]}


LargeArray: Any = Annotated[Any, PlainValidator(_make_array), WithJsonSchema(_array_schema())]
"""A number, or an array of up to MOST_ARRAY_AXES axes."""
Boundaries: Any = Annotated[Vector, AfterValidator(_rising)]
Range: Any = Annotated[listed(Number, 2), AfterValidator(_apart)]
Axes: Any = Whole | distinct(listed(Whole, least=1))
Plain = TypeAliasType("Plain", "str | bool | int | FiniteFloat | list[Plain] | None")
