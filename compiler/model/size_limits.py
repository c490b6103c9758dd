"""Counts the size of a model while it is built, and refuses the node that exceeds a limit."""

from collections.abc import Iterable
from math import prod
from typing import Any, Protocol

from domain.check import SizeLimits
from domain.dtype import bytes_of
from domain.errors import Fault, Invalid
from domain.graph.walk import Place
from domain.json.pointer import pointer


class Note(Protocol):
    """Bytes in memory that another process reads, e.g. a `multiprocessing.Array` of `c`."""

    value: bytes

    def __len__(self) -> int: ...


def count_values(shape: Any) -> int:
    """Count the values of a shape; an unknown length counts as 1."""
    return prod(1 if axis is None else int(axis) for axis in shape)


def count_bytes(tensor: Any) -> int:
    """Count the bytes of one row of a symbolic tensor."""
    return count_values(tensor.shape) * bytes_of(tensor.dtype)


class SizeCounter:
    """Adds up the sizes of all nodes called so far; a shared layer counts once."""

    def __init__(self, limits: SizeLimits, note: Note | None = None) -> None:
        """Start at zero.

        Args:
            limits: The limits to enforce.
            note: Receives the pointer of the node being called. Another process reads it if this
                process is killed.
        """
        self._limits = limits
        self._note = note
        self._seen: set[int] = set()
        self._parameters = 0
        self._weight_bytes = 0
        self._activation_bytes = 0
        self._unrolled_steps = 0
        self._is_exceeded = False

    def start_node(self, place: Place) -> None:
        """Write the place of the node that is called next into the note."""
        if self._note is not None:
            self._note.value = pointer(*place).encode()[: len(self._note)]

    def add_node(
        self, weights: Iterable[Any], activation_bytes: int, place: Place, unrolled_steps: int = 0
    ) -> None:
        """Add the size of a node that was called.

        Args:
            weights: The variables of its layer.
            activation_bytes: Bytes of one row of its outputs.
            place: Its place in the document.
            unrolled_steps: The steps of its unrolled recurrent layers.

        Raises:
            Invalid: This node is the first to exceed a limit.
        """
        for variable in weights:
            if id(variable) not in self._seen:
                self._seen.add(id(variable))
                count = count_values(variable.shape)
                self._parameters += count
                self._weight_bytes += count * bytes_of(variable.dtype)
        self._activation_bytes += activation_bytes
        self._unrolled_steps += unrolled_steps
        detail = self._describe_excess()
        if detail and not self._is_exceeded:
            self._is_exceeded = True
            raise Invalid([Fault(pointer=pointer(*place), detail=detail)])

    def _describe_excess(self) -> str | None:
        limits = self._limits
        for used, limit, what, setting in (
            (self._parameters, limits.parameters, "parameters", "MAX_PARAMETERS"),
            (self._weight_bytes, limits.weight_bytes, "bytes of weights", "MAX_WEIGHT_BYTES"),
            (
                self._activation_bytes,
                limits.activation_bytes,
                "bytes of activations a row",
                "MAX_ACTIVATION_BYTES",
            ),
            (self._unrolled_steps, limits.unrolled_steps, "unrolled steps", "MAX_CALLS"),
        ):
            if limit is not None and used > limit:
                return (
                    f"This brings the graph to {used:,} {what}; at most {limit:,} are allowed "
                    f"({setting})."
                )
        return None
