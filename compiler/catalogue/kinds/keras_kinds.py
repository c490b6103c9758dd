"""Kinds of JSON values: each has its validation, its JSON Schema and its description in words."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from compiler.catalogue.kinds import json_types as json
from compiler.catalogue.kinds.json_types import dtypes, listed
from domain import dtype as dtype_names
from domain.graph.language import Name


@dataclass(frozen=True)
class Kind:
    """A set of JSON values, described by a pydantic type."""

    wanted: str
    """The description, which continues "must be"."""
    type: Any

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.type, config=ConfigDict(strict=True))

    def accepts(self, value: Any) -> bool:
        """Whether a JSON value is of this kind."""
        try:
            self.read(value)
        except ValidationError:
            return False
        return True

    def read(self, value: Any) -> Any:
        """Convert a JSON value to what Keras takes; an integer that was sent as 2.0 becomes 2.

        Raises:
            ValidationError: The value is not of this kind.
        """
        return self._adapter.validate_python(value)

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema (2020-12)."""
        return self._adapter.json_schema()


def one_of(*values: str | None) -> Kind:
    """One of several texts; None means JSON's null."""
    *others, last = ["null" if value is None else f"'{value}'" for value in values]
    return Kind(f"{', '.join(others)} or {last}" if others else last, Literal[tuple(values)])


def from_one(most: int) -> Kind:
    """Integers from 1 to a maximum."""
    return Kind(f"a whole number from 1 to {most}", json.from_one(most))


def or_null(kind: Kind) -> Kind:
    """The values of another kind, and null."""
    return kind if kind.accepts(None) else Kind(f"{kind.wanted}, or null", kind.type | None)


def sizes(rank: int) -> Kind:
    """One size for all spatial axes, or one for each."""
    wanted = f"a positive whole number or a list of {rank}"
    return Kind(wanted, json.Positive | listed(json.Positive, rank))


def adapted(rank: int) -> Kind:
    """Like `sizes` without 1, which crashes TensorFlow's process; global pooling replaces it."""
    wanted = f"a whole number, 2 or more, or a list of {rank}"
    return Kind(wanted, json.Several | listed(json.Several, rank))


def counts(rank: int) -> Kind:
    """Like `sizes`, including 0."""
    wanted = f"a whole number, 0 or more, or a list of {rank}"
    return Kind(wanted, json.Count | listed(json.Count, rank))


def margins(rank: int) -> Kind:
    """Lengths to add to, or cut from, both ends of each spatial axis."""
    if rank == 1:
        return counts(2)
    ends = json.Count | listed(json.Count, 2)
    wanted = f"a whole number, 0 or more, or a list of {rank}, each a whole number or a pair"
    return Kind(wanted, json.Count | listed(ends, rank))


def factor(least: float, most: float) -> Kind:
    """A number between two bounds, or the two ends of a range."""
    bounds = json.number(ge=least, le=most)
    return Kind(f"a number from {least} to {most} or a list of 2", bounds | listed(json.Number, 2))


def bounded(bounds: Any, description: str) -> Kind:
    """A number within bounds, or the two ends of a range within them."""
    return Kind(f"a number {description}, or a list of 2 such", bounds | listed(bounds, 2))


POSITIVE = Kind("a positive whole number", json.Positive)
WHOLE = Kind("a whole number", json.Whole)
COUNT = Kind("a whole number, 0 or more", json.Count)
TWO_OR_MORE = Kind("a whole number, 2 or more", json.Several)
NUMBER = Kind("a number", json.Number)
NOT_NEGATIVE = Kind("a number, 0 or more", json.number(ge=0))
NOT_POSITIVE = Kind("a number, 0 or less", json.number(le=0))
ABOVE_ZERO = Kind("a number above 0", json.number(gt=0))
ABOVE_ZERO_TO_ONE = Kind("a number above 0, up to 1", json.number(gt=0, le=1))
WITHIN_ONE = Kind("a number between 0 and 1, neither of them", json.number(gt=0, lt=1))
DECIMAL = Kind("a number", json.Decimal)
FRACTION_DECIMAL = Kind("a number between 0 and 1", Annotated[json.Decimal, Field(ge=0, le=1)])
ABOVE_ZERO_DECIMAL = Kind("a number above 0", Annotated[json.Decimal, Field(gt=0)])
THRESHOLD = Kind("a number above 0, up to 1", Annotated[json.Decimal, Field(gt=0, le=1)])
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
    dtypes("bool", dtype_names.TEXT, *dtype_names.INTEGERS),
)
NUMBER_DTYPE = Kind(
    "the name of a dtype of numbers or of a mixed policy, e.g. 'int32' or 'mixed_float16'",
    dtypes("bool", dtype_names.TEXT),
)
DTYPE = Kind("the name of a dtype or of a mixed policy, e.g. 'string' or 'int32'", dtypes())

TEXTS = Kind(
    "a list of different texts (text alone would name a file on the server)",
    json.distinct(listed(str, least=1)),
)
INTEGERS = Kind(
    "a list of different whole numbers (text would name a file on the server)",
    json.distinct(listed(json.Wide, least=1)),
)
NAMES = Kind("a list of texts", listed(str))
CLASSES = Kind("a list of whole numbers, 0 or more", listed(json.Count, least=1))
NUMBERS = Kind("a list of numbers", json.Vector)
ONE_OR_MORE = Kind("a number or a list of them", json.Number | json.Vector)
FRACTIONS = Kind(
    "a number between 0 and 1 or a list of them", json.Fraction | listed(json.Fraction)
)
POSITIVES = Kind(
    "a positive whole number or a list of them", json.Positive | listed(json.Positive, least=1)
)
ARRAY = Kind("a number or an array of them: lists of one length on each level", json.Array)
_MOST = f"at most {json.MOST_ARRAY_AXES} axes and {json.MOST_ARRAY_VALUES:,} numbers"
LARGE_ARRAY = Kind(f"{ARRAY.wanted}, of {_MOST}", json.LargeArray)
BOUNDARIES = Kind("a list of numbers, none less than the one before", json.Boundaries)
RANGE = Kind("a list of 2 numbers, the less one first", json.Range)
FACTOR = Kind("a number or a list of 2", json.Number | listed(json.Number, 2))
SALT = Kind("a whole number, 0 or more, or a list of 2", json.Count | listed(json.Count, 2))
ODD_SIZES = Kind("an odd whole number or a list of 2", json.Odd | listed(json.Odd, 2))
FRACTION_LIST = Kind("a list of numbers between 0 and 1", listed(json.Fraction, least=1))
LEVELS = Kind(
    "a whole number from 1 to 8 or a list of 2", json.whole(1, 8) | listed(json.whole(1, 8), 2)
)
GRID = Kind("a list of 2 positive whole numbers", listed(json.Positive, 2))
AXES = Kind("a whole number or a list of different ones", json.Axes)
TWO_AXES = Kind(
    "a whole number other than 0 or a list of 2", json.NotZero | listed(json.NotZero, 2)
)
PERMUTATION = Kind(
    "a list of different positive whole numbers", json.distinct(listed(json.Positive))
)
DIMENSIONS = Kind("a list of positive whole numbers or nulls", listed(json.Positive | None))
SHAPE = Kind(
    "a list of at most 32 positive whole numbers, with -1 for one that follows from the others",
    Annotated[listed(json.Positive | json.Rest | None), Field(max_length=32)],
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
RATES = Kind("an object of epochs, counted from 1, to learning rates", dict[str, json.Number])
PLAIN = Kind("a number, text, true, false, null or a list of them", json.Plain)
