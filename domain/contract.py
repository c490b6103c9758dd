"""The base of every value a client sends or receives."""

from itertools import islice
from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Lets a strict integer field take 2.0: JSON Schema counts it as an integer, and some languages
write every number so."""


MOST_FIELDS = 100
"""An object with more fields than this has unknown ones; no model has as many."""


class Contract(BaseModel):
    """An immutable value. An unknown field is a fault and is never ignored."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )

    @model_validator(mode="before")
    @classmethod
    def _keep_few_unknown_fields(cls, value: Any) -> Any:
        """Drop most unknown fields of a large object, since pydantic builds a fault for each."""
        if not isinstance(value, dict) or len(value) <= MOST_FIELDS:
            return value
        fields = {name: field.alias for name, field in cls.model_fields.items()}
        known = {*fields, *fields.values()}
        unknown = islice((key for key in value if key not in known), MOST_FIELDS)
        return {key: value[key] for key in (*(known & value.keys()), *unknown)}


class Result(Contract):
    """A value that the service makes. Its numbers may be NaN or infinite."""

    model_config = ConfigDict(allow_inf_nan=True)
