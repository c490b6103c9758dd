"""TensorFlow Serving's REST formats of a prediction: rows (`instances`) or columns (`inputs`)."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic_core import to_json

from api.http.json_response import mark_non_finite
from application.prediction.arrays import Arrays, Rows, list_rows, parse_rows
from domain.errors import Fault, Invalid, did_you_mean
from domain.graph.summary import Tensor
from domain.graph.walk import Place
from domain.pointer import pointer

Form = Literal["instances", "inputs"]


class PredictRequest(NamedTuple):
    """The rows of a request and their format."""

    form: Form
    rows: Rows


def parse_request(body: Any, inputs: Sequence[Tensor], most_rows: int) -> PredictRequest:
    """Returns the rows of a request.

    Args:
        body: The parsed request body.
        inputs: The inputs of the model.
        most_rows: The largest number of rows of one request.

    Raises:
        Invalid: the body does not match the inputs; each fault has its place in the body.
    """
    form = _parse_form(body)
    columns = (
        _parse_instances(body[form], inputs)
        if form == "instances"
        else _parse_inputs(body[form], inputs)
    )
    count = len(next(iter(columns.values()))[0])
    if not 0 < count <= most_rows:
        detail = f"Between 1 and {most_rows} rows are allowed in one request (MAX_PREDICT_ROWS)."
        raise Invalid([Fault(pointer=pointer(form), detail=detail)])

    def locate(name: str, row: int) -> Place:
        return columns[name][1][row]

    arrays: Arrays = {}
    faults: list[Fault] = []
    for tensor in inputs:
        try:
            arrays[tensor.name] = parse_rows(columns[tensor.name][0], tensor, locate)
        except Invalid as error:
            faults += error.faults
    _raise_if_any(faults)
    return PredictRequest(form, Rows(arrays, count, (form,), locate))


Column = tuple[list[Any], list[Place]]
"""The values of one input, one for each row, and the place of each value."""


def _parse_form(body: Any) -> Form:
    if not isinstance(body, dict):
        raise Invalid([Fault(pointer="", detail='An object is needed: {"instances": [...]}.')])
    faults = [
        Fault(pointer=pointer(name), detail="There is no such field here.")
        for name in body
        if name not in ("instances", "inputs", "signature_name")
    ]
    if body.get("signature_name", "serving_default") != "serving_default":
        detail = "There is one signature, 'serving_default'."
        faults.append(Fault(pointer="/signature_name", detail=detail))
    if ("instances" in body) == ("inputs" in body):
        detail = "Exactly one of `instances` (rows) and `inputs` (columns) is needed."
        faults.append(Fault(pointer="", detail=detail))
    _raise_if_any(faults)
    return "instances" if "instances" in body else "inputs"


def _parse_instances(rows: Any, inputs: Sequence[Tensor]) -> dict[str, Column]:
    if not isinstance(rows, list):
        raise Invalid([Fault(pointer="/instances", detail="A list of rows belongs here.")])
    names = [tensor.name for tensor in inputs]
    if len(names) == 1 and not any(isinstance(row, dict) for row in rows):
        return {names[0]: (rows, [("instances", i) for i in range(len(rows))])}
    _raise_if_any(
        [
            fault
            for i, row in enumerate(rows)
            for fault in _find_name_faults(row, names, ("instances", i))
        ]
    )
    return {
        name: (
            [row[name] for row in rows],
            [("instances", i, name) for i in range(len(rows))],
        )
        for name in names
    }


def _parse_inputs(given: Any, inputs: Sequence[Tensor]) -> dict[str, Column]:
    names = [tensor.name for tensor in inputs]
    if len(names) == 1 and not isinstance(given, dict):
        found: dict[str, tuple[Any, Place]] = {names[0]: (given, ("inputs",))}
    else:
        _raise_if_any(_find_name_faults(given, names, ("inputs",)))
        found = {name: (given[name], ("inputs", name)) for name in names}
    _raise_if_any(_find_length_faults(found))
    return {
        name: (values, [(*place, i) for i in range(len(values))])
        for name, (values, place) in found.items()
    }


def _find_name_faults(value: Any, names: list[str], place: Place) -> list[Fault]:
    """Returns the faults of an object that must have exactly the inputs as its fields."""
    if not isinstance(value, dict):
        wanted = ", ".join(f"'{name}'" for name in names)
        detail = f"An object with the inputs {wanted} belongs here."
        return [Fault(pointer=pointer(*place), detail=detail)]
    faults = [
        Fault(pointer=pointer(*place, name), detail=f"Input '{name}' is missing.")
        for name in names
        if name not in value
    ]
    for name in value:
        if name not in names:
            detail = f"There is no input '{name}'.{did_you_mean(name, names)}"
            faults.append(Fault(pointer=pointer(*place, name), detail=detail))
    return faults


def _find_length_faults(found: Mapping[str, tuple[Any, Place]]) -> list[Fault]:
    faults = [
        Fault(pointer=pointer(*place), detail="A list with one value for each row belongs here.")
        for values, place in found.values()
        if not isinstance(values, list)
    ]
    if faults:
        return faults
    rows = len(next(iter(found.values()))[0])
    return [
        Fault(
            pointer=pointer(*place),
            detail=f"This input has {len(values)} rows; the first input has {rows}.",
        )
        for values, place in found.values()
        if len(values) != rows
    ]


def serialize_outputs(form: Form, outputs: Arrays) -> bytes:
    """Returns the JSON body of the response, in the format of the request."""
    columns = {name: list_rows(array) for name, array in outputs.items()}
    document = (
        {"predictions": _format_rows(columns)}
        if form == "instances"
        else {"outputs": _format_columns(columns)}
    )
    finite = all(a.dtype.kind != "f" or np.isfinite(a).all() for a in outputs.values())
    return to_json(document if finite else mark_non_finite(document), inf_nan_mode="null")


def _format_rows(columns: dict[str, list[Any]]) -> list[Any]:
    if len(columns) == 1:
        return next(iter(columns.values()))
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _format_columns(columns: dict[str, list[Any]]) -> Any:
    return columns if len(columns) > 1 else next(iter(columns.values()))


def _raise_if_any(faults: list[Fault]) -> None:
    if faults:
        raise Invalid(faults)
