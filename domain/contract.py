"""The base of every value a client sends or receives."""

from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Lets a strict integer field take 2.0: JSON Schema counts it as an integer, and some languages
write every number so."""


class Contract(BaseModel):
    """An immutable value. An unknown field is a fault and is never ignored."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )


class Result(Contract):
    """A value that the service makes. Its numbers may be NaN or infinite."""

    model_config = ConfigDict(allow_inf_nan=True)
