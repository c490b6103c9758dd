"""JSON values as pydantic types: each checks a value, and describes itself in JSON Schema."""

from itertools import pairwise
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, FiniteFloat
from typing_extensions import TypeAliasType

from domain.graph import Dtype

LARGEST = 2**31 - 1
"""What a whole number may be at most, as a shape may."""
_POLICIES = ("mixed_float16", "mixed_bfloat16")
_FLOATS = ("float32", "float16", "bfloat16", "float64")
_UNFIT = ("int8",)
"""Keras reads it as the name of a quantization."""


def listed(item: Any, size: int | None = None, least: int = 0) -> Any:
    """A list of items; looking ends at the first that does not belong."""
    bounds = Field(min_length=size or least, max_length=size, fail_fast=True)
    return Annotated[list[item], bounds]


def from_one(most: int) -> Any:
    """Whole numbers that Keras loops over, or makes matrices of."""
    return Annotated[int, Field(strict=True, ge=1, le=most)]


def dtypes(*without: str) -> Any:
    """The names of floating-point dtypes and policies, and of the other dtypes but some."""
    others = [n for n in get_args(Dtype) if n not in (*_FLOATS, *_UNFIT, *without)]
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


def _distinct(values: list[int]) -> list[int]:
    if len(set(values)) < len(values):
        raise ValueError("repeated")
    return values


def _rising(values: list[float]) -> list[float]:
    if any(low > high for low, high in pairwise(values)):
        raise ValueError("falling")
    return values


def _apart(values: list[float]) -> list[float]:
    if values[0] >= values[1]:
        raise ValueError("empty")
    return values


def _rectangular(value: Any) -> Any:
    """An array of numbers: nested lists, those of one level equally long."""
    level = [value]
    while any(isinstance(item, list) for item in level):
        if not all(isinstance(item, list) and len(item) == len(level[0]) for item in level):
            raise ValueError("ragged")
        level = [inner for item in level for inner in item]
    return value


Whole = Annotated[int, Field(ge=-LARGEST, le=LARGEST)]
Count = Annotated[int, Field(ge=0, le=LARGEST)]
Positive = Annotated[int, Field(ge=1, le=LARGEST)]
Several = Annotated[int, Field(ge=2, le=LARGEST)]
Odd = Annotated[Positive, AfterValidator(_odd), Field(json_schema_extra={"not": {"multipleOf": 2}})]
NotZero = Annotated[
    Whole, AfterValidator(_not_zero), Field(json_schema_extra={"not": {"const": 0}})
]
Never = Annotated[bool, AfterValidator(_false), Field(json_schema_extra={"const": False})]
Wide = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Number = FiniteFloat
Fraction = Annotated[float, Field(ge=0, le=1)]
Part = Annotated[float, Field(ge=0, lt=1)]
Vector: Any = listed(Number, least=1)
Array: Any = Annotated[
    Number | Vector | listed(Vector, least=1) | listed(listed(Vector, least=1), least=1),
    AfterValidator(_rectangular),
]
Boundaries: Any = Annotated[Vector, AfterValidator(_rising)]
Range: Any = Annotated[listed(Number, 2), AfterValidator(_apart)]
Axes: Any = (
    Whole
    | Annotated[
        listed(Whole, least=1),
        AfterValidator(_distinct),
        Field(json_schema_extra={"uniqueItems": True}),
    ]
)
Plain = TypeAliasType("Plain", "str | bool | int | FiniteFloat | list[Plain] | None")
