"""The body of a request that splits a dataset, and its rules."""

from collections.abc import Mapping
from math import isclose
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from domain.contract import Contract
from domain.dataset import ColumnName

MOST_PARTS = 100
PartName = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
Fraction = Annotated[float, Field(gt=0, le=1)]


def _check_sum(parts: Mapping[str, float]) -> Mapping[str, float]:
    total = sum(parts.values())
    if not isclose(total, 1, abs_tol=1e-6):
        raise ValueError(f"the fractions of the parts have the sum 1, not {total:g}")
    return parts


class SplitRequest(Contract):
    """How a dataset is split into parts; each row belongs to one of them."""

    parts: Annotated[
        Mapping[PartName, Fraction],
        Field(min_length=1, max_length=MOST_PARTS),
        AfterValidator(_check_sum),
    ]
    """The fraction of the rows by name of the part, e.g. `{"train": 0.8, "test": 0.2}`."""
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**32)] | None = None
    """If left out, the server chooses a random seed and returns it."""
    shuffle: bool = True
    """Whether rows are drawn at random; if not, the parts are consecutive rows."""
    stratify: ColumnName | None = None
    """A column of text, whole numbers or booleans, of whose values each part has its share."""
    group: ColumnName | None = None
    """A column of text, whole numbers or booleans; rows of one value are in the same part."""
