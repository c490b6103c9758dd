"""What a prediction needs to know of a model: its inputs and outputs, and the bytes of its rows."""

import math
from collections import Counter
from dataclasses import dataclass, field

from application.prediction.arrays import Arrays
from domain.graph.language import Blueprint
from domain.graph.summary import Shape, Summary, Tensor
from domain.job.inputs import find_embedding_sizes
from domain.model import Preparation

VALUE_BYTES = 4
"""Bytes of one value of a tensor of unknown length; nearly all tensors are float32."""
Shapes = tuple[tuple[str, tuple[int, ...]], ...]
"""The shape of each input array, by name, in the order of the names."""


@dataclass(frozen=True)
class Signature:
    """The inputs and outputs of a model; small, since every prediction sends it to a process."""

    inputs: list[Tensor]
    outputs: list[Tensor]
    embedding_sizes: dict[str, int]
    """The number of indices of each input that is the direct input of an Embedding."""
    known_row_bytes: int
    """Bytes of the outputs of all nodes for one row, if each unknown length is 1."""
    row_bytes_by_power: dict[int, int]
    """Bytes of the tensors with unknown lengths, by the number of their unknown lengths."""
    preparation: Preparation = field(default_factory=Preparation)
    """What takes the place of missing values, and the classes of the outputs."""

    @classmethod
    def of(
        cls, blueprint: Blueprint, summary: Summary, preparation: Preparation | None = None
    ) -> "Signature":
        """Returns the signature of a model."""
        by_power: Counter[int] = Counter()
        for shape in (shape for node in summary.nodes for shape in _list_shapes(node.shape)):
            if power := shape[1:].count(None):
                by_power[power] += VALUE_BYTES * math.prod(axis or 1 for axis in shape[1:])
        return cls(
            inputs=summary.inputs,
            outputs=summary.outputs,
            embedding_sizes=find_embedding_sizes(blueprint.definition),
            known_row_bytes=summary.bytes.activations_per_row,
            row_bytes_by_power=dict(by_power),
            preparation=preparation or Preparation(),
        )

    def count_row_bytes(self, arrays: Arrays) -> int:
        """Returns an upper estimate of the bytes of one row's tensors.

        Each unknown length of a tensor counts as the longest unknown length of the inputs.

        Args:
            arrays: Arrays by input name, each of shape (rows, ...).
        """
        longest = self._find_longest(arrays)
        variable: int = sum(
            b * (longest**power - 1) for power, b in self.row_bytes_by_power.items()
        )
        return max(1, self.known_row_bytes + variable)

    def _find_longest(self, arrays: Arrays) -> int:
        lengths = [
            length
            for tensor in self.inputs
            for axis, length in zip(tensor.shape[1:], arrays[tensor.name].shape[1:], strict=True)
            if axis is None
        ]
        return max(lengths, default=1) or 1

    def count_row_values(self) -> int:
        """Returns how many numbers the outputs of one row have; an unknown length counts as 1."""
        return sum(math.prod(axis or 1 for axis in tensor.shape[1:]) for tensor in self.outputs)


def _list_shapes(shape: Shape | list[Shape]) -> list[Shape]:
    """Returns the shapes of a node's tensors; a node of one tensor has its shape alone."""
    return [axes for axes in shape if isinstance(axes, list)] or [
        [axis for axis in shape if not isinstance(axis, list)]
    ]


def get_shapes(arrays: Arrays) -> Shapes:
    """Returns the shapes of all input arrays."""
    return tuple((name, arrays[name].shape) for name in sorted(arrays))
