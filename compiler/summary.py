"""Summarizes a built model: shapes, counts and bytes."""

from collections.abc import Iterable, Sequence
from typing import Any

from compiler.model.build import BuiltModel
from compiler.model.graph_pass import CalledNode
from compiler.model.size_limits import count_values
from domain.dtype import bytes_of
from domain.graph.summary import Bytes, NodeSummary, Parameters, Shape, Summary, Tensor


def summarize(built: BuiltModel, adapts: Sequence[str] = ()) -> Summary:
    """Summarize a model, whether or not its weights are allocated.

    Args:
        built: The model.
        adapts: The nodes and shared layers that have yet to learn their state.
    """
    inputs = [item.name for item in built.blueprint.definition.inputs]
    return Summary(
        inputs=[_summarize_tensor(n, t) for n, t in zip(inputs, built.model.inputs, strict=True)],
        outputs=[_summarize_tensor(name, built.outputs[name]) for name in built.outputs],
        nodes=[_summarize_node(name, called) for name, called in built.nodes.items()],
        parameters=Parameters(
            total=_count_parameters(built.model.weights),
            trainable=_count_parameters(built.model.trainable_weights),
            non_trainable=_count_parameters(built.model.non_trainable_weights),
        ),
        bytes=Bytes(
            weights=sum(count_values(w.shape) * bytes_of(w.dtype) for w in built.model.weights),
            activations_per_row=sum(n.activation_bytes for n in built.nodes.values()),
        ),
        adapts=list(adapts),
    )


def _summarize_tensor(name: str, tensor: Any) -> Tensor:
    return Tensor(name=name, shape=_read_shape(tensor), dtype=tensor.dtype)


def _summarize_node(name: str, called: CalledNode) -> NodeSummary:
    shapes = [_read_shape(tensor) for tensor in called.tensors]
    return NodeSummary(
        name=name,
        layer=called.type,
        shape=shapes[0] if len(shapes) == 1 else shapes,
        parameters=_count_parameters(called.layer.keras.weights if called.layer else []),
    )


def _read_shape(tensor: Any) -> Shape:
    return [None if axis is None else int(axis) for axis in tensor.shape]


def _count_parameters(weights: Iterable[Any]) -> int:
    return sum(count_values(weight.shape) for weight in weights)
