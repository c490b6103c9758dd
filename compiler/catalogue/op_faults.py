"""Finds the faults of an operation's node that need no tensors."""

from collections.abc import Iterator, Mapping
from typing import Any

from compiler.catalogue.op_parameters import Parameter, Takes
from compiler.catalogue.ops import OPS, Op, explain_absence
from domain.errors import Fault, did_you_mean
from domain.graph.language import NodeInputs, OpNode
from domain.graph.walk import Place
from domain.json.pointer import pointer


def find_op_faults(node: OpNode, place: Place) -> Iterator[Fault]:
    """Find the faults of a node's operation and arguments that do not depend on shapes.

    Args:
        node: The node.
        place: Its place in the document.
    """
    op = OPS.get(node.op)
    if op is None:
        yield Fault(pointer=pointer(*place, "op"), detail=explain_absence(node.op))
        return
    yield from _input_faults(op, node.inputs, (*place, "inputs"))
    yield from _constant_faults(op, node.config, (*place, "config"))
    yield from _together_faults(op, node, place)


def by_parameter(op: Op, inputs: Any) -> dict[str, Any]:
    """Arrange a node's `inputs` by the parameters of its operation.

    A list goes to the parameters that take tensors, in order; if the first one takes a list, all of
    it goes to the first.

    Args:
        op: The operation.
        inputs: References or tensors, in the form of a node's `inputs`.
    """
    if isinstance(inputs, dict):
        return {n: _listed(op.parameters.get(n), value) for n, value in inputs.items()}
    first = next(iter(op.tensors.values()))
    if first.takes is Takes.TENSORS or not isinstance(inputs, list):
        return {first.name: _listed(first, inputs)}
    return dict(zip(op.tensors, inputs, strict=False))


def _listed(parameter: Parameter | None, value: Any) -> Any:
    wants_list = parameter is not None and parameter.takes is Takes.TENSORS
    return [value] if wants_list and not isinstance(value, list) else value


def _input_faults(op: Op, inputs: NodeInputs, place: Place) -> Iterator[Fault]:
    if not isinstance(inputs, dict):
        first = next(iter(op.tensors.values()))
        given = len(inputs) if isinstance(inputs, list) else 1
        if first.takes is not Takes.TENSORS and given > len(op.tensors):
            detail = f"{_wanted(op)}; {given} given."
            yield Fault(pointer=pointer(*place), detail=detail)
        return
    for name, value in inputs.items():
        reason = _explain_reference(op, name, value)
        if reason:
            yield Fault(pointer=pointer(*place, name), detail=reason)


def _explain_reference(op: Op, name: str, value: str | list[str]) -> str | None:
    parameter = op.parameters.get(name)
    if parameter is None:
        return _no_argument(op, name)
    if parameter.takes is Takes.CONSTANT:
        return f"'{name}' of '{op.name}' is a constant, which belongs in `config`."
    if parameter.takes is Takes.TENSOR and isinstance(value, list):
        return f"'{name}' of '{op.name}' takes one reference."
    return None


def _wanted(op: Op) -> str:
    named = ", ".join(f"'{name}'" for name in op.tensors)
    tensors = f"{len(op.tensors)} tensor{'s' * (len(op.tensors) != 1)}"
    return f"'{op.name}' takes at most {tensors}: {named}"


def _constant_faults(op: Op, config: Mapping[str, Any], place: Place) -> Iterator[Fault]:
    for name, value in config.items():
        parameter = op.parameters.get(name)
        reason = parameter.explain_misfit(value) if parameter else _no_argument(op, name)
        if reason:
            yield Fault(pointer=pointer(*place, name), detail=reason)


def _together_faults(op: Op, node: OpNode, place: Place) -> Iterator[Fault]:
    given = by_parameter(op, node.inputs)
    for name in given.keys() & node.config.keys():
        detail = f"`inputs` gives '{name}' already."
        yield Fault(pointer=pointer(*place, "config", name), detail=detail)
    for name, parameter in op.parameters.items():
        if parameter.is_required and name not in given and name not in node.config:
            field = "config" if parameter.takes is Takes.CONSTANT else "inputs"
            detail = f"'{op.name}' needs the argument '{name}'."
            yield Fault(pointer=pointer(*place, field, name), detail=detail)


def _no_argument(op: Op, name: str) -> str:
    return f"'{op.name}' has no argument '{name}'.{did_you_mean(name, op.parameters)}"
