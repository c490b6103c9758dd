"""Refuses models whose outputs do not have one row for each row of their inputs."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import keras

from compiler.keras_private import run_operations
from compiler.model.guards.tracing import trace
from compiler.model.guards.trial import TRIAL_ROWS
from compiler.model.keras_errors import catch_keras_errors
from compiler.model.outputs import locate_output
from compiler.model.refusals import Refusal
from compiler.model.scope import Scope
from domain.errors import Fault, Invalid
from domain.graph.language import KerasLayer, LayerNode
from domain.graph.shapes import format_shape
from domain.graph.walk import Level, Place, walk_layers, walk_levels
from domain.json.pointer import pointer

_TRIAL_LENGTH = 20160
"""The length that replaces an unknown one; the usual pool sizes and strides divide it."""


def refuse_fixed_rows(scope: Scope, outputs: Mapping[str, Any]) -> None:
    """Refuse outputs of the outermost graph whose first axis has a known length.

    Raises:
        Invalid: An operation removed the first axis, or gave it a known length.
    """
    faults = [
        Fault(
            pointer=pointer(*locate_output(scope, i)),
            detail="The first axis of an output must be the rows, whose number is unknown; "
            f"the shape of '{name}' is {format_shape(tensor.shape)}.",
        )
        for i, (name, tensor) in enumerate(outputs.items())
        if tensor.shape[:1] != (None,)
    ]
    if faults:
        raise Invalid(faults)


def refuse_other_rows(scope: Scope, model: Any) -> None:
    """Refuse a model that returns more or fewer rows than its inputs have.

    Raises:
        Invalid: An operation, e.g. a `reshape`, changes the number of rows.
    """
    if not _may_change_rows(scope):
        return
    results = _run(scope, model, _make_trial_inputs(model))
    if any(tensor.shape[0] is None for tensor in results.values()):
        with suppress(Invalid):  # the model may not accept this length
            results = _run(scope, model, _make_trial_inputs(model, _TRIAL_LENGTH))
    if faults := list(_find_row_faults(scope, results)):
        raise Invalid(faults)


def _make_trial_inputs(model: Any, length: int | None = None) -> list[Any]:
    """Return symbolic inputs of TRIAL_ROWS rows, in which `length` replaces unknown lengths."""
    return [
        keras.KerasTensor(
            (TRIAL_ROWS, *(length if axis is None else axis for axis in item.shape[1:])),
            item.dtype,
        )
        for item in model.inputs
    ]


def _may_change_rows(scope: Scope) -> bool:
    """Return whether a graph calls an operation or a `Concatenate`; other layers keep the rows."""
    graphs = [scope.definition, *(source.definition for source in scope.sources.values())]
    types = (
        item
        for graph in graphs
        for level in walk_levels(graph)
        for item in _find_called_types(level)
    )
    return any(item is None or item == "Concatenate" for item in types)


def _find_called_types(level: Level) -> Iterator[str | None]:
    """Yield the types of a graph's layers, and None if it calls an operation."""
    if any(not isinstance(node, LayerNode) for node in level.graph.nodes):
        yield None
    for _, layer in walk_layers(level):
        if isinstance(layer, KerasLayer):
            yield layer.type


def _run(scope: Scope, model: Any, inputs: list[Any]) -> Mapping[str, Any]:
    """Run a model on symbolic inputs."""
    called: list[Any] = []

    def choose_function(operation: Any) -> Any:
        called.append(operation)
        if isinstance(operation, keras.Layer):
            return operation.compute_output_spec
        return partial(trace, operation.call)  # Keras states wrong shapes for some operations

    try:
        with catch_keras_errors():
            return run_operations(model, inputs, choose_function)
    except Refusal as refusal:
        reason = str(refusal).replace(str(TRIAL_ROWS), "rows")
        detail = f"This works for certain numbers of rows only (the first axis): {reason}"
        place = _locate_operation(called[-1], scope)
        raise Invalid([Fault(pointer=pointer(*place), detail=detail)]) from refusal


def _locate_operation(operation: Any, scope: Scope) -> Place:
    names = [scope.node_names[node.name] for node in scope.definition.nodes]
    name = operation.name.split(".")[0]
    return (*scope.place, "nodes", names.index(name)) if name in names else scope.place


def _find_row_faults(scope: Scope, results: Mapping[str, Any]) -> Iterator[Fault]:
    for i, (name, tensor) in enumerate(results.items()):
        rows = tensor.shape[0]
        if rows not in (None, TRIAL_ROWS):
            detail = (
                f"'{name}' must have one row for each row of the inputs; "
                f"for {TRIAL_ROWS} rows it has {rows}."
            )
            yield Fault(pointer=pointer(*locate_output(scope, i)), detail=detail)
