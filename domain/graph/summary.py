"""The summary of a checked graph; no weights exist yet."""

from domain.contract import Contract
from domain.dtype import Dtype

Shape = list[int | None]
"""Axis lengths; the first is `null`, the batch axis."""


class Tensor(Contract):
    """An input or output of a model."""

    name: str
    shape: Shape
    dtype: Dtype


class NodeSummary(Contract):
    """One call of a layer."""

    name: str
    layer: str
    """The layer's type."""
    shape: Shape | list[Shape]
    """Shape of its tensor, or one shape for each of its tensors."""
    parameters: int
    """Number of parameters of its layer; a shared layer's are repeated at each of its nodes."""


class Parameters(Contract):
    """Numbers of parameters; a shared weight counts once."""

    total: int
    trainable: int
    non_trainable: int


class Bytes(Contract):
    """Memory that the model needs."""

    weights: int
    activations_per_row: int
    """Bytes of the outputs of all nodes for one row; an unknown length counts as 1."""


class RowBytes(Contract):
    """Bytes of one row."""

    activations: int
    """Bytes of the outputs of all nodes."""
    ends: int
    """Bytes of the inputs and outputs of the model."""


class Summary(Contract):
    """Shapes and sizes of a graph, all exact."""

    inputs: list[Tensor]
    outputs: list[Tensor]
    nodes: list[NodeSummary]
    parameters: Parameters
    bytes: Bytes
    adapts: list[str] = []
    """The nodes and shared layers that learn their state from the training data before the first
    epoch, in that order."""
