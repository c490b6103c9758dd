"""Finds the node that cannot compute rows of given lengths."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import keras

from compiler.keras_private import run_operations
from compiler.model.build import BuiltModel, build
from compiler.model.guards.tracing import trace
from compiler.model.refusals import Refusal
from domain.errors import Fault, Invalid
from domain.graph.language import Blueprint, GraphDefinition
from domain.json.pointer import tokens_of

Lengths = Mapping[str, Sequence[int]]
"""The shape of one row of each input, by name."""
_ROWS = 2


def find_misfit(blueprint: Blueprint, lengths: Lengths) -> str | None:
    """Find the first node that does not take the lengths that reach it.

    Args:
        blueprint: A model's blueprint, some of whose lengths are unknown.
        lengths: The shapes of the rows that the model could not compute.

    Returns:
        The node's name and the reason; None if every node takes its lengths.
    """
    known = blueprint.model_copy(update={"definition": _set_lengths(blueprint, lengths)})
    try:
        with keras.StatelessScope(initialize_variables=False):
            return _trace_nodes(build(known, None))
    except Invalid as refusal:
        return _describe(known.definition, refusal.faults[0])
    finally:
        keras.utils.clear_session(free_memory=False)


def _set_lengths(blueprint: Blueprint, lengths: Lengths) -> GraphDefinition:
    definition = blueprint.definition
    inputs = [
        item.model_copy(update={"shape": [*lengths[item.name]]}) for item in definition.inputs
    ]
    return definition.model_copy(update={"inputs": inputs})


def _describe(definition: GraphDefinition, fault: Fault) -> str:
    """Put the name of the node before the reason."""
    part, *rest = tokens_of(fault.pointer) or [""]
    if part != "nodes":
        return fault.detail
    return f"Node '{definition.nodes[int(rest[0])].name}': {fault.detail}"


def _trace_nodes(built: BuiltModel) -> str | None:
    """Trace each node: Keras compares the lengths inside a nested graph only there."""
    called: list[Any] = []

    def choose_function(operation: Any) -> Any:
        called.append(operation)
        return partial(trace, operation)

    inputs = [keras.KerasTensor((_ROWS, *t.shape[1:]), t.dtype) for t in built.model.inputs]
    try:
        run_operations(built.model, inputs, choose_function)
    except Refusal as refusal:
        return f"Node '{_name_node(built, called[-1])}': {refusal}"
    return None


def _name_node(built: BuiltModel, operation: Any) -> str:
    """Return the name of the first node that calls a layer or an operation."""
    for name, node in built.nodes.items():
        if node.layer is not None and node.layer.keras is operation:
            return name
    return str(operation.name.split(".")[0])
