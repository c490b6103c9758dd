"""Reads the outputs of a graph."""

from typing import Any

from compiler.model.scope import Scope
from compiler.model.tensors import NodeTensors
from domain.errors import Fault, Invalid
from domain.graph.walk import Place


def read_outputs(scope: Scope, tensors: NodeTensors) -> tuple[dict[str, Any], list[Fault]]:
    """Read the tensors of a graph's outputs.

    Args:
        scope: The graph.
        tensors: The tensors of the nodes that were called; some nodes may be missing.

    Returns:
        The tensors by output name, without outputs of missing nodes; and a fault for each reference
        to a tensor that its node does not return.
    """
    outputs: dict[str, Any] = {}
    faults: list[Fault] = []
    for i, (name, text) in enumerate(scope.definition.named_outputs()):
        if tensors.has(text):
            try:
                outputs[name] = tensors.read(text, locate_output(scope, i))
            except Invalid as refusal:
                faults += refusal.faults
    return outputs, faults


def locate_output(scope: Scope, index: int) -> Place:
    """Return the place of an output's reference in the document."""
    is_reference = isinstance(scope.definition.outputs[index], str)
    return (*scope.place, "outputs", index, *(() if is_reference else ("from",)))
