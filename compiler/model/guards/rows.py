"""Whether the outputs of a model are the rows of its inputs, however many those are."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import keras

from compiler.keras_private import run_operations
from compiler.model.guards.tracing import traced
from compiler.model.guards.trial import MANY
from compiler.model.keras_errors import plain
from compiler.model.outputs import place_of
from compiler.model.scope import Scope
from domain.errors import Fault, Invalid
from domain.graph.language import KerasLayer, LayerNode
from domain.graph.shapes import shown
from domain.graph.walk import Level, Place, holdings, levels
from domain.pointer import pointer

_LENGTH = 20160
"""A length to try: divisible by what pools and strides usually divide by."""


def refuse_without_rows(scope: Scope, outputs: Mapping[str, Any]) -> None:
    """See that every output of the outermost graph has a first axis of unknown length.

    Raises:
        Invalid: a function has done away with the first axis, or made it of a known length.
    """
    faults = [
        Fault(
            pointer=pointer(*place_of(scope, i)),
            detail="The first axis of an output are the rows, of unknown number; the shape of "
            f"'{name}' is {shown(tensor.shape)}.",
        )
        for i, (name, tensor) in enumerate(outputs.items())
        if tensor.shape[:1] != (None,)
    ]
    if faults:
        raise Invalid(faults)


def refuse_other_rows(scope: Scope, model: Any) -> None:
    """See that a model gives as many rows as it takes; most layers always do.

    Raises:
        Invalid: a function, e.g. a `reshape`, has made more or fewer of them.
    """
    if not _may_lose_rows(scope):
        return
    result = _result(scope, model, _given(model))
    if any(tensor.shape[0] is None for tensor in result.values()):
        with suppress(Invalid):  # not every length is one that the model takes
            result = _result(scope, model, _given(model, _LENGTH))
    if faults := list(_other_rows(scope, result)):
        raise Invalid(faults)


def _given(model: Any, length: int | None = None) -> list[Any]:
    """Inputs of many rows, and of a certain length where that is unknown."""
    return [
        keras.KerasTensor(
            (MANY, *(length if axis is None else axis for axis in item.shape[1:])), item.dtype
        )
        for item in model.inputs
    ]


def _may_lose_rows(scope: Scope) -> bool:
    """Whether a function or a `Concatenate` is called anywhere: all else keeps the rows."""
    graphs = [scope.definition, *(source.definition for source in scope.sources.values())]
    held = (item for graph in graphs for level in levels(graph) for item in _called_in(level))
    return any(item is None or item == "Concatenate" for item in held)


def _called_in(level: Level) -> Iterator[str | None]:
    """The types of a graph's layers; None for a function."""
    if any(not isinstance(node, LayerNode) for node in level.graph.nodes):
        yield None
    for _, held in holdings(level):
        if isinstance(held, KerasLayer):
            yield held.type


def _result(scope: Scope, model: Any, given: list[Any]) -> Mapping[str, Any]:
    called: list[Any] = []

    def spec_of(operation: Any) -> Any:
        called.append(operation)
        if isinstance(operation, keras.Layer):
            return operation.compute_output_spec
        return partial(traced, operation.call)  # Keras's own word on functions is not enough

    try:
        result = run_operations(model, given, spec_of)
    except Exception as error:  # Keras raises nearly every type there is
        told = plain(error).replace(str(MANY), "rows")
        detail = f"This fits certain numbers of rows only, the first axis: {told}"
        fault = Fault(pointer=pointer(*_place_of(called[-1], scope)), detail=detail)
        raise Invalid([fault]) from error
    return result


def _place_of(operation: Any, scope: Scope) -> Place:
    names = [scope.node_names[node.name] for node in scope.definition.nodes]
    name = operation.name.split(".")[0]
    return (*scope.place, "nodes", names.index(name)) if name in names else scope.place


def _other_rows(scope: Scope, result: Mapping[str, Any]) -> Iterator[Fault]:
    for i, (name, tensor) in enumerate(result.items()):
        rows = tensor.shape[0]
        if rows not in (None, MANY):
            detail = (
                f"'{name}' must have one row for each row of the inputs; "
                f"for {MANY} rows it has {rows}."
            )
            yield Fault(pointer=pointer(*place_of(scope, i)), detail=detail)
