"""Counts the bytes of one row of given lengths, in a model that leaves lengths open."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import keras

from compiler.keras_private import get_operation, run_operations
from compiler.model.build import BuiltModel
from compiler.model.guards.tracing import trace
from compiler.model.keras_errors import catch_keras_errors
from compiler.model.refusals import Refusal
from compiler.model.size_limits import SizeCounter, count_bytes
from domain.check import SizeLimits
from domain.errors import Fault, Invalid
from domain.graph.summary import RowBytes
from domain.graph.walk import Place
from domain.json.pointer import pointer


def count_row_bytes(
    built: BuiltModel, rows: Mapping[str, Sequence[int]], limits: SizeLimits
) -> RowBytes:
    """Count the bytes of the tensors of one row.

    Args:
        built: The model; nothing is computed, and its weights need no values.
        rows: The shape of one row of each input, by name.
        limits: The largest number of bytes of activations.

    Returns:
        The bytes of all nodes' outputs, those of nested graphs included, and those of the inputs
        and outputs.

    Raises:
        Invalid: A node cannot take these lengths, or is the first to exceed the limit.
    """
    names = [item.name for item in built.blueprint.definition.inputs]
    inputs = [
        keras.KerasTensor((1, *rows[name]), tensor.dtype)
        for name, tensor in zip(names, built.model.inputs, strict=True)
    ]
    walk = _Walk(built, limits)
    outputs = walk.run(inputs)
    ends = sum(count_bytes(tensor) for tensor in (*inputs, *outputs.values()))
    return RowBytes(activations=walk.activation_bytes, ends=ends)


class _Walk:
    """Calls the operations of a model with the shapes of their inputs, and adds up their bytes."""

    def __init__(self, built: BuiltModel, limits: SizeLimits) -> None:
        self.activation_bytes = 0
        self._model = built.model
        self._sizes = SizeCounter(SizeLimits(activation_bytes=limits.activation_bytes))
        nodes = enumerate(built.nodes.values())
        self._positions = {id(get_operation(node.tensors[0])): i for i, node in nodes}
        self._place: Place = ()
        """The place of the node that is called."""

    def run(self, inputs: Sequence[Any]) -> Mapping[str, Any]:
        """Return the outputs by name.

        Raises:
            Invalid: A node cannot take its inputs, or exceeds the limit.
        """
        try:
            with catch_keras_errors():
                return run_operations(self._model, inputs, self._choose_outer)
        except Refusal as refusal:
            detail = f"It cannot take the lengths of the dataset's columns: {refusal}"
            raise Invalid([Fault(pointer=pointer(*self._place), detail=detail)]) from refusal

    def _choose_outer(self, operation: Any) -> Callable[..., Any]:
        if (position := self._positions.get(id(operation))) is not None:
            self._place = ("nodes", position)
        return self._choose(operation)

    def _choose(self, operation: Any) -> Callable[..., Any]:
        """Return the function that is called in place of an operation."""
        if isinstance(operation, keras.Model):
            return partial(self._run_nested, operation)
        if isinstance(operation, keras.Layer):
            return partial(self._count, operation.compute_output_spec)
        return partial(self._count, partial(trace, operation.call))

    def _run_nested(self, model: Any, inputs: Any, **_: Any) -> Any:
        return run_operations(model, inputs, self._choose)

    def _count(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        results = function(*args, **kwargs)
        size = sum(count_bytes(tensor) for tensor in keras.tree.flatten(results))
        self.activation_bytes += size
        try:
            self._sizes.add_node((), size, self._place)
        except Invalid as error:
            raise Invalid(
                fault.model_copy(
                    update={"detail": f"With the lengths of the dataset's columns: {fault.detail}"}
                )
                for fault in error.faults
            ) from error
        return results
