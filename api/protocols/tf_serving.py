"""TensorFlow Serving's REST formats of a prediction: rows (`instances`) or columns (`inputs`)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from pydantic_core import to_json

from api.http.json.non_finite import mark_non_finite
from api.protocols.base64_strings import ENCODED, decode_strings, is_encoded
from application.prediction.classes import name_classes
from application.prediction.groups import Computed, Group, join_rows, list_outputs, parse_groups
from application.prediction.missing import fill_rows
from domain.errors import MOST_FAULTS, Fault, Invalid, did_you_mean, raise_if_any
from domain.graph.summary import Tensor
from domain.graph.walk import Place
from domain.json.pointer import pointer
from domain.model import Preparation

Form = Literal["instances", "inputs"]


@dataclass(frozen=True)
class PredictRequest:
    """The rows of a request and their format."""

    form: Form
    groups: list[Group]
    """All rows; several groups if the rows differ in shape."""

    @property
    def count(self) -> int:
        """The number of rows."""
        return sum(group.rows.count for group in self.groups)


def parse_request(
    body: Any,
    inputs: Sequence[Tensor],
    most_rows: int,
    missing: Mapping[str, Any] = MappingProxyType({}),
) -> PredictRequest:
    """Returns the rows of a request.

    Args:
        body: The parsed request body.
        inputs: The inputs of the model.
        most_rows: The largest number of rows of one request.
        missing: What takes the place of `null`, by input; see `domain.model.Signature`.

    Raises:
        Invalid: the body does not match the inputs; each fault has its place in the body.
    """
    form = _parse_form(body)
    parse = _parse_instances if form == "instances" else _parse_inputs
    columns = parse(body[form], inputs, most_rows)

    def locate(name: str, row: int) -> Place:
        return columns[name][1][row]

    values: dict[str, list[Any]] = {}
    faults: list[Fault] = []
    for tensor in inputs:
        try:
            values[tensor.name] = _prepare_rows(columns[tensor.name], tensor, missing)
        except Invalid as error:
            faults += error.faults
    raise_if_any(faults)
    return PredictRequest(form, parse_groups(values, inputs, (form,), locate))


def _prepare_rows(column: "Column", tensor: Tensor, missing: Mapping[str, Any]) -> list[Any]:
    """Returns the values of an input with decoded strings, and with others in place of `null`."""
    values, places = column
    if tensor.dtype == "string":
        values = [decode_strings(*pair) for pair in zip(values, places, strict=True)]
    if tensor.name in missing:
        return fill_rows(values, tensor, missing[tensor.name])
    return values


Column = tuple[list[Any], list[Place]]
"""The values of one input, one for each row, and the place of each value."""


def _parse_form(body: Any) -> Form:
    if not isinstance(body, dict):
        raise Invalid([Fault(pointer="", detail='An object is needed: {"instances": [...]}.')])
    others = (name for name in body if name not in ("instances", "inputs", "signature_name"))
    faults = [
        Fault(pointer=pointer(name), detail="There is no such field here.")
        for name in islice(others, MOST_FAULTS)
    ]
    if body.get("signature_name", "serving_default") != "serving_default":
        detail = "There is one signature, 'serving_default'."
        faults.append(Fault(pointer="/signature_name", detail=detail))
    if ("instances" in body) == ("inputs" in body):
        detail = "Exactly one of `instances` (rows) and `inputs` (columns) is needed."
        faults.append(Fault(pointer="", detail=detail))
    raise_if_any(faults)
    return "instances" if "instances" in body else "inputs"


def _check_count(count: int, form: Form, most_rows: int) -> None:
    """Rejects a number of rows before any row is looked at.

    Raises:
        Invalid: there is no row, or there are too many.
    """
    if not 0 < count <= most_rows:
        detail = f"Between 1 and {most_rows} rows are allowed in one request (MAX_PREDICT_ROWS)."
        raise Invalid([Fault(pointer=pointer(form), detail=detail)])


def _parse_instances(rows: Any, inputs: Sequence[Tensor], most_rows: int) -> dict[str, Column]:
    if not isinstance(rows, list):
        raise Invalid([Fault(pointer="/instances", detail="A list of rows belongs here.")])
    _check_count(len(rows), "instances", most_rows)
    names = [tensor.name for tensor in inputs]
    if len(names) == 1 and not any(_is_by_name(row, inputs[0]) for row in rows):
        return {names[0]: (rows, [("instances", i) for i in range(len(rows))])}
    raise_if_any(
        fault
        for i, row in enumerate(rows)
        for fault in _find_name_faults(row, names, ("instances", i))
    )
    return {
        name: (
            [row[name] for row in rows],
            [("instances", i, name) for i in range(len(rows))],
        )
        for name in names
    }


def _is_by_name(row: Any, tensor: Tensor) -> bool:
    """Returns whether a row of a model with one input is an object with the input's name."""
    is_string = tensor.dtype == "string" and tensor.name != ENCODED
    return isinstance(row, dict) and not (is_string and is_encoded(row))


def _parse_inputs(given: Any, inputs: Sequence[Tensor], most_rows: int) -> dict[str, Column]:
    names = [tensor.name for tensor in inputs]
    if len(names) == 1 and not isinstance(given, dict):
        found: dict[str, tuple[Any, Place]] = {names[0]: (given, ("inputs",))}
    else:
        raise_if_any(_find_name_faults(given, names, ("inputs",)))
        found = {name: (given[name], ("inputs", name)) for name in names}
    raise_if_any(_find_length_faults(found))
    _check_count(len(next(iter(found.values()))[0]), "inputs", most_rows)
    return {
        name: (values, [(*place, i) for i in range(len(values))])
        for name, (values, place) in found.items()
    }


def _find_name_faults(value: Any, names: list[str], place: Place) -> Iterator[Fault]:
    """Yields the faults of an object that must have exactly the inputs as its fields."""
    if not isinstance(value, dict):
        wanted = ", ".join(f"'{name}'" for name in names)
        detail = f"An object with the inputs {wanted} belongs here."
        yield Fault(pointer=pointer(*place), detail=detail)
        return
    for name in names:
        if name not in value:
            detail = f"Input '{name}' is missing."
            yield Fault(pointer=pointer(*place, name), detail=detail)
    for name in value:
        if name not in names:
            detail = f"There is no input '{name}'.{did_you_mean(name, names)}"
            yield Fault(pointer=pointer(*place, name), detail=detail)


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


def serialize_outputs(
    form: Form, computed: Sequence[Computed], preparation: Preparation | None = None
) -> bytes:
    """Returns the JSON body of the response, in the format of the request.

    Args:
        form: The format.
        computed: The outputs of all rows.
        preparation: Has the classes that the response names; None if it names none.
    """
    write = _format_rows if form == "instances" else _format_columns
    key = "predictions" if form == "instances" else "outputs"
    document = {key: write(join_rows(computed, list_outputs))}
    if preparation is not None:
        named = join_rows(computed, lambda outputs: name_classes(outputs, preparation))
        document["classes"] = named if len(computed[0].outputs) > 1 else write(named)
        if form == "instances" and len(computed[0].outputs) > 1:
            document["classes"] = _format_objects(named)
    arrays = [array for part in computed for array in part.outputs.values()]
    finite = all(a.dtype.kind not in "fV" or np.isfinite(a).all() for a in arrays)  # V: bfloat16
    return to_json(document if finite else mark_non_finite(document), inf_nan_mode="null")


def _format_rows(columns: dict[str, list[Any]]) -> list[Any]:
    return next(iter(columns.values())) if len(columns) == 1 else _format_objects(columns)


def _format_objects(columns: dict[str, list[Any]]) -> list[Any]:
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _format_columns(columns: dict[str, list[Any]]) -> Any:
    return columns if len(columns) > 1 else next(iter(columns.values()))
