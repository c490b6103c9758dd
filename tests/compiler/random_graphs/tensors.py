"""The tensors of a graph that is being drawn, and the conditions under which nodes take them."""

from dataclasses import dataclass
from math import prod

from tests.compiler.random_graphs.layers.kinds import LENGTH, Kind, Shape, has_axes

LARGEST = 40
"""Most values per row of a node's input; without a limit, sizes double with every node."""


@dataclass(frozen=True)
class Tensor:
    """The tensor that a reference names; shapes have no batch axis."""

    ref: str
    shape: Shape
    dtype: str = "float32"
    masked: bool = False
    """Whether the tensor may have a mask."""

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
    """Return whether the tensor fits an input of a graph, whose length may be unknown."""
    pairs = [*zip(tensor.shape, wanted.shape, strict=False)]
    fits = all(a == b or (a, b) == (LENGTH, None) for a, b in pairs)
    fits = fits and len(tensor.shape) == len(wanted.shape)
    return fits and (tensor.dtype, tensor.masked) == (wanted.dtype, wanted.masked)


def suits(kind: Kind, tensor: Tensor) -> bool:
    """Return whether a layer takes the tensor. Keras's Softmax supports few masks."""
    return kind.fits(tensor.shape) and not (tensor.masked and kind.type == "Softmax")
