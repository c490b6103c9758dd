"""One topological pass over a graph, and over those nested in it."""

from dataclasses import dataclass
from typing import Any

import keras

from compiler.model.fixed_training import stand_in
from compiler.model.guards.lengths import refuse_lengths, refuse_statistics
from compiler.model.guards.rows import refuse_other_rows, refuse_without_rows
from compiler.model.guards.text import refuse_dtypes
from compiler.model.guards.trial import refuse_failing
from compiler.model.guards.unrolling import unrolled_steps
from compiler.model.guards.weights import (
    refuse_constraints,
    refuse_initializers,
    refuse_regularizers,
)
from compiler.model.keras_errors import attributed
from compiler.model.layer_calls import Call, call_of
from compiler.model.layer_maker import LayerMaker
from compiler.model.op_calls import name_mask_operations, op_result
from compiler.model.outputs import outputs_of
from compiler.model.scope import Made, Scope
from compiler.model.size_limits import Meter, tensor_bytes
from compiler.model.tensors import Board, Tensors, refuse_many_axes
from compiler.model.variable_keys import Ledger
from domain.errors import Fault, Invalid
from domain.graph.language import LayerNode, Node, OpNode
from domain.graph.topology import ordered
from domain.graph.walk import Place


@dataclass(frozen=True)
class Called:
    """A node after its call."""

    type: str
    """The layer's type, or the name of the function."""
    layer: Made | None
    """None for a function of `keras.ops`."""
    tensors: tuple[Any, ...]
    activation_bytes: int
    """Of one row; of a graph or model, with the nodes inside it."""


class GraphPass:
    """Builds a graph and those nested in it, all entered in one ledger."""

    def __init__(self, ledger: Ledger, meter: Meter | None) -> None:
        self.ledger = ledger
        self._meter = meter
        self._maker = LayerMaker(ledger, self._nested)

    def root(self, scope: Scope) -> tuple[Any, dict[str, Any], dict[str, Called]]:
        """The outermost model, its outputs in graph order, and its nodes in document order."""
        inputs, outputs, called = self._run(scope)
        refuse_without_rows(scope, outputs)
        with attributed(scope.place):
            model = keras.Model(inputs, outputs, name="model")
        refuse_other_rows(scope, model)
        nodes = {node.name: called[node.name] for node in scope.definition.nodes}
        return model, outputs, nodes

    def _nested(self, scope: Scope, name: str) -> Made:
        """A model as a layer: single tensors go in and come out bare, as wrappers need them."""
        inputs, outputs, called = self._run(scope)
        outputs = _set_apart(outputs, inputs)
        taken = inputs[0] if len(inputs) == 1 else inputs
        given = next(iter(outputs.values())) if len(outputs) == 1 else outputs
        with attributed(scope.place):
            model = keras.Model(taken, given, name=name)
        return Made(
            model,
            "Graph",
            inputs=list(scope.input_names),
            outputs=list(outputs),
            activation_bytes=sum(node.activation_bytes for node in called.values()),
        )

    def _run(self, scope: Scope) -> tuple[list[Any], dict[str, Any], dict[str, Called]]:
        """Call every node; what one refuses does not keep the others from being tried."""
        board, called = Board(), dict[str, Called]()
        faults: list[Fault] = []
        inputs = _inputs(scope, board)
        positions = {node.name: i for i, node in enumerate(scope.definition.nodes)}
        for node in ordered(scope.definition):
            if self._meter and not scope.is_copy:
                self._meter.enter((*scope.place, "nodes", positions[node.name]))
            if all(board.has(text) for _, text in node.references()):
                try:
                    called[node.name] = self._call(node, positions[node.name], scope, board)
                except Invalid as refusal:
                    faults += refusal.faults
        outputs, missing = outputs_of(scope, board)
        if faults or missing:
            raise Invalid([*faults, *missing])
        return inputs, outputs, called

    def _call(self, node: Node, index: int, scope: Scope, board: Board) -> Called:
        place = (*scope.place, "nodes", index)
        if isinstance(node, OpNode):
            return self._call_op(node, scope, board, place)
        made = self._maker.at_node(node, index, scope)
        call = call_of(node, made, board, place)
        with attributed(place):
            refuse_statistics(made, call)
            tensors = Tensors.of(self._result(node, made, call, scope), made.outputs)
            _refuse_echo(made, call, tensors)
            name_mask_operations(scope.node_names[node.name], call, tensors.all)
            refuse_many_axes(tensors.all)
            refuse_dtypes(made, call)
            refuse_lengths(made, call)
            refuse_failing(made, call, tensors.all)
            weights = made.keras.weights
            refuse_initializers(weights)
            refuse_constraints(weights)
            refuse_regularizers(made.keras, tensors.all)
            size = sum(tensor_bytes(tensor) for tensor in tensors.all)
            steps = unrolled_steps(made.keras, (call.args, dict(call.kwargs)))
        if made.activation_bytes is not None:
            size = made.activation_bytes
        if self._meter and not scope.is_copy:  # a copy is counted whole, where it is called
            self._meter.add(weights, 0 if scope.path else size, place, steps)
        board.put(node.name, tensors)
        return Called(made.type, made, tensors.all, size)

    def _call_op(self, node: OpNode, scope: Scope, board: Board, place: Place) -> Called:
        tensors = Tensors.of(op_result(node, scope.node_names[node.name], board, place))
        size = sum(tensor_bytes(tensor) for tensor in tensors.all)
        if self._meter and not scope.is_copy:
            self._meter.add([], 0 if scope.path else size, place)
        board.put(node.name, tensors)
        return Called(node.op, None, tensors.all, size)

    def _result(self, node: LayerNode, made: Made, call: Call, scope: Scope) -> Any:
        if "training" not in call.kwargs:
            return made.keras(*call.args, **call.kwargs)
        name = scope.node_names[node.name]
        model, result = stand_in(made, call, name)
        self.ledger.enter(model, (*scope.path, name))
        return result


def _set_apart(outputs: dict[str, Any], inputs: list[Any]) -> dict[str, Any]:
    """Outputs none of which is an input.

    Called with another shape, Keras's models hand such a tensor on as it is: a cycle.
    """
    taken = {id(tensor) for tensor in inputs}
    return {
        name: _copied(tensor, f"{name}.copy") if id(tensor) in taken else tensor
        for name, tensor in outputs.items()
    }


def _copied(tensor: Any, name: str) -> Any:
    dtype = tensor.dtype if "float" in tensor.dtype else None  # else Keras would cast it
    return keras.layers.Identity(dtype=dtype, name=name)(tensor)


def _refuse_echo(made: Made, call: Call, tensors: Tensors) -> None:
    """Some Keras layers return the very tensor they are given, which makes a cycle."""
    given = {id(tensor) for tensor in keras.tree.flatten([call.args, dict(call.kwargs)])}
    if any(id(tensor) in given for tensor in tensors.all):
        raise ValueError(f"Keras's {made.type} cannot be part of a graph.")


def _inputs(scope: Scope, board: Board) -> list[Any]:
    tensors = []
    for i, item in enumerate(scope.definition.inputs):
        with attributed((*scope.place, "inputs", i)):
            tensor = keras.Input(item.shape, name=scope.input_names[item.name], dtype=item.dtype)
        board.put(item.name, Tensors.of(tensor))
        tensors.append(tensor)
    return tensors
