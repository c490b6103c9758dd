"""The base of every value a client sends or receives."""

from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Of strict integers: JSON Schema counts 2.0 as whole, and some languages write no other form."""


class Contract(BaseModel):
    """A closed, immutable value: an unknown field is a fault, never ignored."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )


class Result(Contract):
    """A value that the service made; its numbers may be NaN or infinite."""

    model_config = ConfigDict(allow_inf_nan=True)
