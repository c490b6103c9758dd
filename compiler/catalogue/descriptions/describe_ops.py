"""Describes the functions of `keras.ops` that nodes may call."""

from typing import Any

from compiler.catalogue.descriptions.config_schema import json_default
from compiler.catalogue.descriptions.docstrings import describe_parameters, source_of, summary_of
from compiler.catalogue.kinds.keras_kinds import or_null
from compiler.catalogue.op_parameters import Parameter, Takes
from compiler.catalogue.ops import LEFT_OUT, OPS, Op
from domain.catalogue import OpInput, OpLeftOut, Ops, OpType


def describe_ops() -> Ops:
    """Describe every function, and list the functions that are left out."""
    return Ops(
        items=[describe_op(op) for op in OPS.values()],
        left_out=[OpLeftOut(op=name, reason=why) for name, why in sorted(LEFT_OUT.items())],
    )


def describe_op(op: Op) -> OpType:
    """Describe one function."""
    return OpType(
        op=op.name,
        kind=op.kind,
        summary=summary_of(op.function),
        url=source_of(op.function),
        inputs=_inputs(op),
        config_schema=_config_schema(op),
    )


def _inputs(op: Op) -> list[OpInput]:
    descriptions = describe_parameters(op.function)
    return [
        OpInput(
            name=parameter.name,
            required=parameter.is_required,
            takes="tensors" if parameter.takes is Takes.TENSORS else "tensor",
            description=descriptions.get(parameter.name),
        )
        for parameter in op.tensors.values()
    ]


def _config_schema(op: Op) -> dict[str, Any]:
    """The schema of `config`, including the parameters that take a constant or a tensor."""
    descriptions = describe_parameters(op.function)
    constants = [p for p in op.parameters.values() if p.takes is not Takes.TENSORS]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {p.name: _value_schema(p, descriptions.get(p.name)) for p in constants},
        "additionalProperties": False,
    }
    required = [p.name for p in constants if p.is_required and p.takes is Takes.CONSTANT]
    inner = [value.pop("$defs", {}) for value in schema["properties"].values()]
    defs = {name: definition for found in inner for name, definition in found.items()}
    return schema | ({"required": required} if required else {}) | ({"$defs": defs} if defs else {})


def _value_schema(parameter: Parameter, description: str | None) -> dict[str, Any]:
    kind = or_null(parameter.kind) if parameter.default is None else parameter.kind
    schema = kind.schema()
    if description:
        schema |= {"description": description}
    if not parameter.is_required:
        schema |= {"default": json_default(parameter.default)}
    return schema
