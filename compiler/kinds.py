"""Kinds of JSON values, each one source for its check, its JSON Schema and its name in words."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from compiler import json_types as json
from compiler.json_types import dtypes, listed
from domain.graph import Name


@dataclass(frozen=True)
class Kind:
    """A set of JSON values, described by a pydantic type."""

    wanted: str
    """What belongs to it, in words that go on from "must be"."""
    type: Any

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.type, config=ConfigDict(strict=True))

    def accepts(self, value: Any) -> bool:
        """Whether a JSON value belongs to it."""
        try:
            self._adapter.validate_python(value)
        except ValidationError:
            return False
        return True

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema (2020-12)."""
        return self._adapter.json_schema()


def one_of(*values: str | None) -> Kind:
    """An enumeration; `None` among the values is JSON's null."""
    *others, last = ["null" if value is None else f"'{value}'" for value in values]
    return Kind(f"{', '.join(others)} or {last}" if others else last, Literal[tuple(values)])


def from_one(most: int) -> Kind:
    """Whole numbers up to a bound of their own."""
    return Kind(f"a whole number from 1 to {most}", json.from_one(most))


def or_null(kind: Kind) -> Kind:
    """The same values, and null."""
    return kind if kind.accepts(None) else Kind(f"{kind.wanted}, or null", kind.type | None)


def sizes(rank: int) -> Kind:
    """One size for every spatial axis, or one for each."""
    wanted = f"a positive whole number or a list of {rank}"
    return Kind(wanted, json.Positive | listed(json.Positive, rank))


def adapted(rank: int) -> Kind:
    """As `sizes`, but for 1: TensorFlow dies of that, and global pooling does it."""
    wanted = f"a whole number, 2 or more, or a list of {rank}"
    return Kind(wanted, json.Several | listed(json.Several, rank))


def counts(rank: int) -> Kind:
    """As `sizes`, 0 included."""
    wanted = f"a whole number, 0 or more, or a list of {rank}"
    return Kind(wanted, json.Count | listed(json.Count, rank))


def margins(rank: int) -> Kind:
    """What is added to, or cut from, both ends of each spatial axis."""
    if rank == 1:
        return counts(2)
    ends = json.Count | listed(json.Count, 2)
    wanted = f"a whole number, 0 or more, or a list of {rank}, each a whole number or a pair"
    return Kind(wanted, json.Count | listed(ends, rank))


POSITIVE = Kind("a positive whole number", json.Positive)
WHOLE = Kind("a whole number", json.Whole)
COUNT = Kind("a whole number, 0 or more", json.Count)
NUMBER = Kind("a number", json.Number)
FRACTION = Kind("a number between 0 and 1", json.Fraction)
PART = Kind("a number between 0 and 1, less than 1", json.Part)
FLAG = Kind("true or false", bool)
NEVER = Kind("false", json.Never)
AUTO_OR_FLAG = Kind("'auto', true or false", Literal["auto"] | bool)
TEXT = Kind("text", str)
TEXT_OR_WHOLE = Kind("text or a whole number", str | json.Whole)
NAME = Kind("a name: a letter, then letters, digits, '_' or '-'", Name)

FLOAT_DTYPE = Kind(
    "the name of a floating-point dtype or of a mixed policy, e.g. 'float32' or 'mixed_float16'",
    dtypes("bool", "string", *(f"{u}int{bits}" for u in ("", "u") for bits in (8, 16, 32, 64))),
)
NUMBER_DTYPE = Kind(
    "the name of a dtype of numbers or of a mixed policy, e.g. 'int32' or 'mixed_float16'",
    dtypes("bool", "string"),
)
DTYPE = Kind("the name of a dtype or of a mixed policy, e.g. 'string' or 'int32'", dtypes())

TEXTS = Kind("a list of texts (text alone would name a file on the server)", listed(str))
INTEGERS = Kind("a list of whole numbers (text would name a file on the server)", listed(json.Wide))
NAMES = Kind("a list of texts", listed(str))
CLASSES = Kind("a list of whole numbers, 0 or more", listed(json.Count))
NUMBERS = Kind("a list of numbers", json.Vector)
ONE_OR_MORE = Kind("a number or a list of them", json.Number | json.Vector)
FRACTIONS = Kind(
    "a number between 0 and 1 or a list of them", json.Fraction | listed(json.Fraction)
)
POSITIVES = Kind(
    "a positive whole number or a list of them", json.Positive | listed(json.Positive, least=1)
)
ARRAY = Kind("a number or an array of them: lists of one length on each level", json.Array)
BOUNDARIES = Kind("a list of numbers, none less than the one before", json.Boundaries)
RANGE = Kind("a list of 2 numbers, the less one first", json.Range)
FACTOR = Kind("a number or a list of 2", json.Number | listed(json.Number, 2))
SALT = Kind("a whole number, 0 or more, or a list of 2", json.Count | listed(json.Count, 2))
ODD_SIZES = Kind("an odd whole number or a list of 2", json.Odd | listed(json.Odd, 2))
GRID = Kind("a list of 2 positive whole numbers", listed(json.Positive, 2))
AXES = Kind("a whole number or a list of different ones", json.Axes)
TWO_AXES = Kind(
    "a whole number other than 0 or a list of 2", json.NotZero | listed(json.NotZero, 2)
)
PERMUTATION = Kind("a list of positive whole numbers", listed(json.Positive))
DIMENSIONS = Kind("a list of positive whole numbers or nulls", listed(json.Positive | None))
SHAPE = Kind(
    "a list of at most 32 positive whole numbers, with -1 for one that follows from the others",
    Annotated[listed(json.Positive | Literal[-1] | None), Field(max_length=32)],
)
OUTPUT_SHAPE = Kind(
    "a positive whole number, or a list of them and of nulls",
    json.Positive | listed(json.Positive | None),
)
CLIPPING = Kind(
    "an object of 'rmax', 'rmin' and 'dmax' to numbers",
    dict[Literal["rmax", "rmin", "dmax"], json.Number],
)
WINDOW = Kind("the name of a window, a list of numbers or null", str | json.Vector | None)
MEL_WINDOW = Kind(
    "'hann', 'hamming', a list of numbers or null",
    Literal["hann", "hamming"] | json.Vector | None,
)
PLAIN = Kind("a number, text, true, false, null or a list of them", json.Plain)
