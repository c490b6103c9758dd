"""The functions of `keras.ops` in plain JSON, for a process that knows nothing of Keras."""

import json
from typing import Any

from compiler.catalogue.descriptions.docstrings import parameters_said, source_of, summary_of
from compiler.catalogue.kinds.keras_kinds import or_null
from compiler.catalogue.op_parameters import Parameter, Takes
from compiler.catalogue.ops import LEFT_OUT, OPS, Op


def answer() -> str:
    """Every function with a JSON Schema of its config, and what is left out and why.

    Returns:
        `{"items": [...], "left_out": [...]}`.
    """
    return json.dumps(
        {
            "items": [described(op) for op in OPS.values()],
            "left_out": [{"op": name, "reason": why} for name, why in sorted(LEFT_OUT.items())],
        }
    )


def described(op: Op) -> dict[str, Any]:
    """One function."""
    return {
        "op": op.name,
        "kind": op.function.__module__.rpartition(".")[2],
        "summary": summary_of(op.function),
        "url": source_of(op.function),
        "inputs": _inputs(op),
        "config_schema": _config_schema(op),
    }


def _inputs(op: Op) -> list[dict[str, Any]]:
    said = parameters_said(op.function)
    return [
        {
            "name": parameter.name,
            "required": parameter.is_required,
            "takes": "tensors" if parameter.takes is Takes.TENSORS else "tensor",
            "description": said.get(parameter.name),
        }
        for parameter in op.tensors.values()
    ]


def _config_schema(op: Op) -> dict[str, Any]:
    """A constant may stand where a tensor would; the node's `inputs` then leave it out."""
    said = parameters_said(op.function)
    constants = [p for p in op.parameters.values() if p.takes is not Takes.TENSORS]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {p.name: _value_schema(p, said.get(p.name)) for p in constants},
        "additionalProperties": False,
    }
    required = [p.name for p in constants if p.is_required and p.takes is Takes.CONSTANT]
    inner = [value.pop("$defs", {}) for value in schema["properties"].values()]
    defs = {name: definition for found in inner for name, definition in found.items()}
    return schema | ({"required": required} if required else {}) | ({"$defs": defs} if defs else {})


def _value_schema(parameter: Parameter, said: str | None) -> dict[str, Any]:
    kind = or_null(parameter.kind) if parameter.default is None else parameter.kind
    schema = kind.schema()
    if said:
        schema |= {"description": said}
    if not parameter.is_required:
        schema |= {"default": parameter.default}
    return schema
