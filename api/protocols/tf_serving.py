"""TensorFlow Serving's two forms of a prediction: rows (`instances`) and columns (`inputs`)."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic_core import to_json

from api.http.json_response import mark_non_finite
from application.prediction.arrays import Arrays, Rows, array_of, listed
from domain.errors import Fault, Invalid, did_you_mean
from domain.graph.summary import Tensor
from domain.graph.walk import Place
from domain.pointer import pointer

Form = Literal["instances", "inputs"]


class Asked(NamedTuple):
    """The rows of a request, and the form in which they came."""

    form: Form
    rows: Rows


def asked(body: Any, inputs: Sequence[Tensor], most_rows: int) -> Asked:
    """What a request asks for.

    Raises:
        Invalid: everything that is not as the inputs want it, each at its place.
    """
    form = _form(body)
    columns = (
        _row_columns(body[form], inputs) if form == "instances" else _columns(body[form], inputs)
    )
    count = len(next(iter(columns.values()))[0])
    if not 0 < count <= most_rows:
        detail = f"Between 1 and {most_rows} rows are predicted at once (MAX_PREDICT_ROWS)."
        raise Invalid([Fault(pointer=pointer(form), detail=detail)])

    def locate(name: str, row: int) -> Place:
        return columns[name][1][row]

    arrays: Arrays = {}
    faults: list[Fault] = []
    for tensor in inputs:
        try:
            arrays[tensor.name] = array_of(columns[tensor.name][0], tensor, locate)
        except Invalid as error:
            faults += error.faults
    _refuse(faults)
    return Asked(form, Rows(arrays, count, (form,), locate))


Column = tuple[list[Any], list[Place]]
"""The values of one input, one a row, and the place of each."""


def _form(body: Any) -> Form:
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
    _refuse(faults)
    return "instances" if "instances" in body else "inputs"


def _row_columns(rows: Any, inputs: Sequence[Tensor]) -> dict[str, Column]:
    if not isinstance(rows, list):
        raise Invalid([Fault(pointer="/instances", detail="A list of rows belongs here.")])
    names = [tensor.name for tensor in inputs]
    if len(names) == 1 and not any(isinstance(row, dict) for row in rows):
        return {names[0]: (rows, [("instances", i) for i in range(len(rows))])}
    _refuse([fault for i, row in enumerate(rows) for fault in _named(row, names, ("instances", i))])
    return {
        name: (
            [row[name] for row in rows],
            [("instances", i, name) for i in range(len(rows))],
        )
        for name in names
    }


def _columns(given: Any, inputs: Sequence[Tensor]) -> dict[str, Column]:
    names = [tensor.name for tensor in inputs]
    if len(names) == 1 and not isinstance(given, dict):
        found: dict[str, tuple[Any, Place]] = {names[0]: (given, ("inputs",))}
    else:
        _refuse(_named(given, names, ("inputs",)))
        found = {name: (given[name], ("inputs", name)) for name in names}
    _refuse(_unequal(found))
    return {
        name: (values, [(*place, i) for i in range(len(values))])
        for name, (values, place) in found.items()
    }


def _named(value: Any, names: list[str], place: Place) -> list[Fault]:
    """What keeps an object from having exactly the inputs as its fields."""
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


def _unequal(found: Mapping[str, tuple[Any, Place]]) -> list[Fault]:
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
            pointer=pointer(*place), detail=f"{len(values)} rows here, {rows} in the first input."
        )
        for values, place in found.values()
        if len(values) != rows
    ]


def told(form: Form, outputs: Arrays) -> bytes:
    """The JSON of the answer, in the form that was asked."""
    columns = {name: listed(array) for name, array in outputs.items()}
    document = (
        {"predictions": _rows(columns)} if form == "instances" else {"outputs": _bare(columns)}
    )
    finite = all(a.dtype.kind != "f" or np.isfinite(a).all() for a in outputs.values())
    return to_json(document if finite else mark_non_finite(document), inf_nan_mode="null")


def _rows(columns: dict[str, list[Any]]) -> list[Any]:
    if len(columns) == 1:
        return next(iter(columns.values()))
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _bare(columns: dict[str, list[Any]]) -> Any:
    return columns if len(columns) > 1 else next(iter(columns.values()))


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise Invalid(faults)
