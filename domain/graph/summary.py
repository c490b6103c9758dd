"""What the check tells about a graph before a weight of it exists."""

from domain.contract import Contract
from domain.dtype import Dtype

Shape = list[int | None]
"""Leads with `null` for the batch."""


class Tensor(Contract):
    """A named tensor at the border of a model."""

    name: str
    shape: Shape
    dtype: Dtype


class NodeSummary(Contract):
    """One call of a layer."""

    name: str
    layer: str
    """The layer's type."""
    shape: Shape | list[Shape]
    """One shape, or one for each tensor it gives."""
    parameters: int
    """Of its layer; a shared layer's are shown at each of its nodes."""


class Parameters(Contract):
    """Counted once for each weight, however often it is shared."""

    total: int
    trainable: int
    non_trainable: int


class Bytes(Contract):
    """What the model will need."""

    weights: int
    activations_per_row: int
    """Of every node's outputs; unknown lengths count as 1."""


class Summary(Contract):
    """Exact shapes and counts of a graph."""

    inputs: list[Tensor]
    outputs: list[Tensor]
    nodes: list[NodeSummary]
    parameters: Parameters
    bytes: Bytes
