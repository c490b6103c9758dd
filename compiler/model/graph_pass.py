"""Builds a graph and the graphs nested in it, in one topological pass over the nodes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from compiler.model.fixed_training import fix_training
from compiler.model.guards.lengths import refuse_lengths, refuse_statistics
from compiler.model.guards.rows import refuse_fixed_rows, refuse_other_rows
from compiler.model.guards.text import refuse_dtypes
from compiler.model.guards.trial import refuse_failing
from compiler.model.guards.unrolling import count_unrolled_steps
from compiler.model.guards.weights import (
    refuse_arrays,
    refuse_constraints,
    refuse_initializers,
    refuse_regularizers,
)
from compiler.model.keras_errors import catch_keras_errors, locate_keras_errors
from compiler.model.layer_calls import Call, build_call
from compiler.model.layer_maker import LayerMaker
from compiler.model.op_calls import call_op, name_mask_operations
from compiler.model.outputs import read_outputs
from compiler.model.refusals import Refusal, locate_refusals
from compiler.model.scope import BuiltLayer, Scope
from compiler.model.size_limits import SizeCounter, count_bytes
from compiler.model.tensors import NodeTensors, Tensors, refuse_results
from compiler.model.variable_keys import VariableKeys
from domain.dtype import is_float
from domain.errors import MOST_FAULTS, Fault, Invalid
from domain.graph.language import LayerNode, Node, OpNode
from domain.graph.topology import order_nodes
from domain.graph.walk import Place


@dataclass(frozen=True)
class CalledNode:
    """A node that was called."""

    type: str
    """The type of its layer, or the name of its operation."""
    layer: BuiltLayer | None
    """None for an operation."""
    tensors: tuple[Any, ...]
    activation_bytes: int
    """Bytes of one row of its outputs; for a nested graph or model, of all nodes inside it."""


class GraphPass:
    """Builds a graph and the graphs nested in it, which share the keys of their variables."""

    def __init__(self, keys: VariableKeys, sizes: SizeCounter | None) -> None:
        self.keys = keys
        self._sizes = sizes
        self._maker = LayerMaker(keys, self._build_nested)

    def build_root(self, scope: Scope) -> tuple[Any, dict[str, Any], dict[str, CalledNode]]:
        """Build the outermost model.

        Returns:
            The model, its outputs in the order of the graph, and its nodes in document order.

        Raises:
            Invalid: All faults of the graph.
        """
        inputs, outputs, called = self._call_nodes(scope)
        refuse_fixed_rows(scope, outputs)
        with locate_keras_errors(scope.place):
            model = keras.Model(inputs, outputs, name="model")
        refuse_other_rows(scope, model)
        nodes = {node.name: called[node.name] for node in scope.definition.nodes}
        return model, outputs, nodes

    def _build_nested(self, scope: Scope, name: str) -> BuiltLayer:
        """Build a model to use as a layer.

        A single input or output is a tensor and not a list, as Keras's wrappers require.
        """
        inputs, outputs, called = self._call_nodes(scope)
        with locate_keras_errors(scope.place):
            outputs = _copy_inputs(outputs, inputs)
            model = keras.Model(
                inputs[0] if len(inputs) == 1 else inputs,
                next(iter(outputs.values())) if len(outputs) == 1 else outputs,
                name=name,
            )
        return BuiltLayer(
            model,
            "Graph",
            inputs=list(scope.input_names),
            outputs=list(outputs),
            activation_bytes=sum(node.activation_bytes for node in called.values()),
        )

    def _call_nodes(self, scope: Scope) -> tuple[list[Any], dict[str, Any], dict[str, CalledNode]]:
        """Call every node whose references can be read, even if other nodes have faults.

        Returns:
            The inputs, the outputs by name, and the called nodes by name.

        Raises:
            Invalid: All faults of the graph.
        """
        tensors, called = NodeTensors(), dict[str, CalledNode]()
        faults: list[Fault] = []
        inputs = _make_inputs(scope, tensors)
        positions = {node.name: i for i, node in enumerate(scope.definition.nodes)}
        for node in order_nodes(scope.definition):
            place = (*scope.place, "nodes", positions[node.name])
            if self._sizes and not scope.is_copy:
                self._sizes.start_node(place)
            if all(tensors.has(text) for _, text in node.references()):
                try:
                    called[node.name] = self._call(node, scope, tensors, place)
                except Invalid as refusal:
                    faults += refusal.faults
                if len(faults) >= MOST_FAULTS:
                    raise Invalid(faults)
        outputs, missing = read_outputs(scope, tensors)
        if faults or missing:
            raise Invalid([*faults, *missing])
        return inputs, outputs, called

    def _call(self, node: Node, scope: Scope, tensors: NodeTensors, place: Place) -> CalledNode:
        """Call a node, and add its results to `tensors`."""
        if isinstance(node, OpNode):
            return self._call_op(node, scope, tensors, place)
        return self._call_layer(node, scope, tensors, place)

    def _call_op(
        self, node: OpNode, scope: Scope, tensors: NodeTensors, place: Place
    ) -> CalledNode:
        results = Tensors.of(call_op(node, scope.node_names[node.name], tensors, place))
        called = CalledNode(node.op, None, results.all, _add_bytes(results))
        self._count(called, scope, place)
        tensors.add(node.name, results)
        return called

    def _call_layer(
        self, node: LayerNode, scope: Scope, tensors: NodeTensors, place: Place
    ) -> CalledNode:
        name = scope.node_names[node.name]
        layer = self._maker.make_for_node(node, scope, place)
        call = build_call(node, layer, tensors, place)
        with locate_refusals(place):
            refuse_statistics(layer, call)
            results = Tensors.of(self._call_keras(name, layer, call, scope), layer.outputs)
            refuse_results(layer.type, results.all)
            _refuse_unchanged(layer, call, results)
            name_mask_operations(name, call, results.all)
            _refuse_misfits(layer, call, results.all)
            steps = count_unrolled_steps(layer.keras, (call.args, dict(call.kwargs)))
        size = layer.activation_bytes
        size = _add_bytes(results) if size is None else size
        called = CalledNode(layer.type, layer, results.all, size)
        self._count(called, scope, place, steps)
        tensors.add(node.name, results)
        return called

    def _call_keras(self, name: str, layer: BuiltLayer, call: Call, scope: Scope) -> Any:
        with catch_keras_errors():
            if "training" not in call.kwargs:
                return layer.keras(*call.args, **call.kwargs)
            model, result = fix_training(layer, call, name)
        self.keys.add_layer(model, (*scope.path, name))
        return result

    def _count(self, called: CalledNode, scope: Scope, place: Place, steps: int = 0) -> None:
        """Add a node to the size of the model.

        The node that calls a copied model counts its weights; the node that calls a nested graph
        counts the outputs of the nodes inside it.
        """
        if self._sizes and not scope.is_copy:
            weights = called.layer.keras.weights if called.layer else []
            activation_bytes = 0 if scope.path else called.activation_bytes
            self._sizes.add_node(weights, activation_bytes, place, steps)


def _refuse_misfits(layer: BuiltLayer, call: Call, results: Sequence[Any]) -> None:
    """Refuse a call that Keras accepted but cannot compute or train."""
    refuse_arrays(layer.keras)
    refuse_dtypes(layer, call)
    refuse_lengths(layer, call)
    refuse_failing(layer, call, results)
    refuse_initializers(layer.keras.weights)
    refuse_constraints(layer.keras.weights)
    refuse_regularizers(layer.keras, results)


def _add_bytes(tensors: Tensors) -> int:
    return sum(count_bytes(tensor) for tensor in tensors.all)


def _copy_inputs(outputs: dict[str, Any], inputs: list[Any]) -> dict[str, Any]:
    """Replace each output that is an input by a copy.

    If a Keras model without the copy is called with another shape, it returns the input tensor
    itself, and the outer model has a cycle.
    """
    given = {id(tensor) for tensor in inputs}
    return {
        name: _copy(tensor, f"{name}.copy") if id(tensor) in given else tensor
        for name, tensor in outputs.items()
    }


def _copy(tensor: Any, name: str) -> Any:
    dtype = tensor.dtype if is_float(tensor.dtype) else None  # otherwise Keras would cast it
    return keras.layers.Identity(dtype=dtype, name=name)(tensor)


def _refuse_unchanged(layer: BuiltLayer, call: Call, results: Tensors) -> None:
    """Refuse a layer that returns its input tensor itself: Keras would build a cycle."""
    given = {id(tensor) for tensor in keras.tree.flatten([call.args, dict(call.kwargs)])}
    if any(id(tensor) in given for tensor in results.all):
        raise Refusal(f"Keras's {layer.type} cannot be part of a graph.")


def _make_inputs(scope: Scope, tensors: NodeTensors) -> list[Any]:
    inputs = []
    for i, item in enumerate(scope.definition.inputs):
        with locate_keras_errors((*scope.place, "inputs", i)):
            tensor = keras.Input(item.shape, name=scope.input_names[item.name], dtype=item.dtype)
        tensors.add(item.name, Tensors.of(tensor))
        inputs.append(tensor)
    return inputs
