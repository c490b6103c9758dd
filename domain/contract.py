"""The base of every value a client sends or receives."""

from pydantic import BaseModel, ConfigDict


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
