"""Query parameters that say how the body of a dataset is read."""

from typing import Annotated, Any

from fastapi import Depends, Query, Request
from pydantic import ValidationError

from api.problems.hints import describe_error
from domain.errors import MOST_FAULTS, Fault, Invalid, clip, did_you_mean, raise_if_any
from domain.formats.read_options import COLUMN_OPTIONS, ReadOptions
from domain.json.pointer import pointer

PREFIXES = tuple(f"{name}." for name in COLUMN_OPTIONS)
"""Prefixes of the parameters that name a column."""
CHANNELS = ("1", "3", "4")
"""The values of `channels` as a form has them."""


async def get_read_options(
    request: Request,
    delimiter: Annotated[
        str | None,
        Query(
            description="CSV: the character between two cells; by default a comma, or a tab in "
            "`text/tab-separated-values`."
        ),
    ] = None,
    header: Annotated[
        bool | None,
        Query(
            description="CSV: whether the first line has the names of the columns; by default true."
        ),
    ] = None,
    null: Annotated[
        list[str] | None,
        Query(
            description="CSV: a text that means a missing value; may be repeated. By default the "
            "empty cell, `NA`, `NaN` and `null`, quoted or not."
        ),
    ] = None,
    quoted_null: Annotated[
        bool | None,
        Query(
            description='CSV: whether a quoted cell can be missing, such as `""` or `"NA"`; by '
            "default true. If false, it is text."
        ),
    ] = None,
    column: Annotated[
        str | None, Query(description="`.npy`: the name of the column; by default `x`.")
    ] = None,
    size: Annotated[
        str | None,
        Query(
            description="Images: the height and the width of a row, e.g. `28x28`; by default that "
            "of the images, which then have equal sizes."
        ),
    ] = None,
    channels: Annotated[
        int | None,
        Query(
            description="Images: 1 for grey, 3 for RGB or 4 for RGBA; by default as the first "
            "image has."
        ),
    ] = None,
) -> ReadOptions:
    """Returns the options of the query.

    Raises:
        Invalid: A value is malformed; one fault for each.
    """
    given = {
        "delimiter": delimiter,
        "header": header,
        "null": null,
        "quoted_null": quoted_null,
        "column": column,
        "size": size,
        "channels": channels,
    }
    fields: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    for name, value in request.query_params.items():
        _add_column_option(fields, name, value)
    return _validate(fields)


def _add_column_option(fields: dict[str, Any], name: str, value: str) -> bool:
    """Adds an option that names a column; returns False if the parameter is none."""
    option, dot, column = name.partition(".")
    if not dot or option not in COLUMN_OPTIONS:
        return False
    fields.setdefault(option, {})[column] = _split_sizes(value) if option == "shape" else value
    return True


def _validate(fields: dict[str, Any]) -> ReadOptions:
    try:
        return ReadOptions.model_validate(fields)
    except ValidationError as error:
        raise Invalid(map(_make_fault, error.errors()[:MOST_FAULTS])) from None


def read_form_options(options: ReadOptions, fields: list[tuple[str, str]]) -> ReadOptions:
    """Returns the options of the query, with those that the fields of a form give.

    Args:
        options: The options of the query.
        fields: The fields of the form, except `name`.

    Raises:
        Invalid: A field is unknown or malformed, or an option is given twice.
    """
    found: dict[str, Any] = options.model_dump(include=set(options.given))
    wrong: list[Fault] = []
    for name, text in fields:
        value: Any = int(text) if name == "channels" and text in CHANNELS else text
        if name == "null":
            found.setdefault(name, []).append(value)
        elif name in found:
            wrong.append(Fault(pointer=pointer(name), detail="This option is given twice."))
        elif name in ReadOptions.model_fields and name not in COLUMN_OPTIONS:
            found[name] = value
        elif not _add_column_option(found, name, value):
            near = did_you_mean(name, ReadOptions.model_fields)
            wrong.append(Fault(pointer=pointer(name), detail=f"There is no such option.{near}"))
    raise_if_any(wrong)
    return _validate(found)


CurrentReadOptions = Annotated[ReadOptions, Depends(get_read_options)]


def _split_sizes(text: str) -> list[str | None]:
    """Returns the sizes of a shape `8,8` or `null,8`; an empty text is the shape of a scalar."""
    return [None if size == "null" else size for size in text.split(",")] if text else []


def _make_fault(error: Any) -> Fault:
    option, *steps = error["loc"]
    names_column = option in COLUMN_OPTIONS and steps
    parameter = f"{option}.{steps[0]}" if names_column else option
    detail = f"query parameter `{clip(parameter)}`: {describe_error(error)}"
    return Fault(pointer="", detail=detail)


def locate_in_query(invalid: Invalid) -> Invalid:
    """Returns the same faults, without a pointer where one is about an option of the query."""
    faults = [
        fault.at("") if fault.pointer.startswith("/options/") else fault for fault in invalid.faults
    ]
    return Invalid(faults, invalid.detail)
