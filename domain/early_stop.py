"""Validates long lists and mappings slice by slice, and stops at the first slice with a fault.

pydantic builds an error for every faulty item before anybody can count them. An error takes about a
kilobyte, so a body of some megabytes would take gigabytes.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, LiteralString

from pydantic import BeforeValidator, ValidationError, WrapValidator
from pydantic_core import InitErrorDetails, PydanticCustomError

SLICE = 100
"""The number of items that are validated at once."""


def _validate_in_slices(value: Any, validate: Any) -> Any:
    if isinstance(value, list) and len(value) > SLICE:
        return [item for part in _validate_list(value, validate) for item in part]
    if isinstance(value, dict) and len(value) > SLICE:
        parts = _validate_mapping(value, validate)
        return {key: item for part in parts for key, item in part.items()}
    return validate(value)


def _validate_list(value: list[Any], validate: Any) -> Iterator[Any]:
    for start in range(0, len(value), SLICE):
        try:
            yield validate(value[start : start + SLICE])
        except ValidationError as error:
            raise _shift(error, start) from None


def _validate_mapping(value: dict[Any, Any], validate: Any) -> Iterator[Any]:
    items = iter(value.items())
    while part := dict(islice(items, SLICE)):
        yield validate(part)


def _shift(error: ValidationError, start: int) -> ValidationError:
    """Returns the error with the indices of the whole list."""
    return ValidationError.from_exception_data(
        error.title, [_shift_line(line, start) for line in error.errors(include_url=False)]
    )


def _shift_line(line: Any, start: int) -> InitErrorDetails:
    first, *rest = line["loc"]
    kind = PydanticCustomError(line["type"], "{text}", {"text": line["msg"], **line.get("ctx", {})})
    return InitErrorDetails(type=kind, loc=(first + start, *rest), input=line["input"])


STOP_EARLY = WrapValidator(_validate_in_slices)
"""Annotates a list or a mapping that may be long."""


def limit_length(most: int, detail: LiteralString) -> BeforeValidator:
    """Return an annotation that refuses a long list or mapping before its items are validated.

    Args:
        most: The maximum number of items.
        detail: The text of the fault; it may name `{most}` and `{length}`.
    """

    def check(value: Any) -> Any:
        if isinstance(value, list | dict) and len(value) > most:
            raise PydanticCustomError("too_long", detail, {"most": most, "length": len(value)})
        return value

    return BeforeValidator(check)
