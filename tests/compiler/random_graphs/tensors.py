"""Tensors while a graph is drawn: what a reference gives, and what can take it."""

from dataclasses import dataclass
from math import prod

from tests.compiler.random_graphs.layers.kinds import LENGTH, Kind, Shape, has_axes

LARGEST = 40
"""Numbers a row of what a node takes: sizes would double with every node."""


@dataclass(frozen=True)
class Tensor:
    """What a reference gives."""

    ref: str
    shape: Shape
    dtype: str = "float32"
    masked: bool = False
    """It may carry a mask."""

    @property
    def target(self) -> str:
        return self.ref.split(":")[0]

    def named(self, ref: str) -> "Tensor":
        return Tensor(ref, self.shape, self.dtype, self.masked)


def is_layerable(tensor: Tensor) -> bool:
    is_small = prod(n or LENGTH for n in tensor.shape) <= LARGEST
    return tensor.dtype.startswith("float") and has_axes(tensor.shape) and is_small


def is_plain(tensor: Tensor) -> bool:
    return is_layerable(tensor) and tensor.dtype == "float32"


def is_sequence(tensor: Tensor) -> bool:
    return is_layerable(tensor) and len(tensor.shape) == 2


def is_state(tensor: Tensor) -> bool:
    return is_plain(tensor) and len(tensor.shape) == 1 and not tensor.masked


def is_whole(tensor: Tensor) -> bool:
    return tensor.dtype.startswith("int")


def is_nestable(tensor: Tensor) -> bool:
    return tensor.dtype in ("float32", "int32")


def is_like(one: Tensor, other: Tensor) -> bool:
    return one.named("") == other.named("")


def goes_in(tensor: Tensor, wanted: Tensor) -> bool:
    """Whether a graph's input, perhaps of open length, can be given the tensor."""
    pairs = [*zip(tensor.shape, wanted.shape, strict=False)]
    fits = all(a == b or (a, b) == (LENGTH, None) for a, b in pairs)
    fits = fits and len(tensor.shape) == len(wanted.shape)
    return fits and (tensor.dtype, tensor.masked) == (wanted.dtype, wanted.masked)


def suits(kind: Kind, tensor: Tensor) -> bool:
    """Whether a layer can take the tensor; Keras's Softmax fits few masks."""
    return kind.fits(tensor.shape) and not (tensor.masked and kind.type == "Softmax")
