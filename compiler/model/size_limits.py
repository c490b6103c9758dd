"""Counts what a growing model needs, and stops it at the node that goes over a limit."""

from collections.abc import Iterable
from math import prod
from typing import Any, Protocol

import numpy as np

from domain.check import SizeLimits
from domain.errors import Fault, Invalid
from domain.graph.walk import Place
from domain.pointer import pointer


class Note(Protocol):
    """Bytes that another process reads, too, e.g. a `multiprocessing.Array` of `c`."""

    value: bytes

    def __len__(self) -> int: ...


def size_of(dtype: str) -> int:
    """Bytes of one value; text counts as a pointer."""
    if dtype == "string":
        return 8
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize


def elements(shape: Any) -> int:
    """How many values a shape holds; unknown lengths count as 1."""
    return prod(1 if axis is None else int(axis) for axis in shape)


def tensor_bytes(tensor: Any) -> int:
    """What one row of a symbolic tensor takes."""
    return elements(tensor.shape) * size_of(tensor.dtype)


class Meter:
    """Running totals over every layer made so far; a shared layer counts once."""

    def __init__(self, limits: SizeLimits, note: Note | None = None) -> None:
        """Begins at nothing.

        Args:
            limits: The limits to enforce.
            note: Keeps the pointer of the node that is being called, for those who are left
                behind when this process is killed.
        """
        self._limits = limits
        self._note = note
        self._seen: set[int] = set()
        self._parameters = 0
        self._weight_bytes = 0
        self._activation_bytes = 0
        self._unrolled_steps = 0
        self._over = False

    def enter(self, place: Place) -> None:
        """A node is about to be called."""
        if self._note is not None:
            self._note.value = pointer(*place).encode()[: len(self._note)]

    def add(
        self, weights: Iterable[Any], activation_bytes: int, place: Place, unrolled_steps: int = 0
    ) -> None:
        """A node was called.

        Raises:
            Invalid: this node goes over a limit; said once, of the first such node.
        """
        for variable in weights:
            if id(variable) not in self._seen:
                self._seen.add(id(variable))
                count = elements(variable.shape)
                self._parameters += count
                self._weight_bytes += count * size_of(variable.dtype)
        self._activation_bytes += activation_bytes
        self._unrolled_steps += unrolled_steps
        detail = self._beyond()
        if detail and not self._over:
            self._over = True
            raise Invalid([Fault(pointer=pointer(*place), detail=detail)])

    def _beyond(self) -> str | None:
        most = self._limits
        for used, limit, what, setting in (
            (self._parameters, most.parameters, "parameters", "MAX_PARAMETERS"),
            (self._weight_bytes, most.weight_bytes, "bytes of weights", "MAX_WEIGHT_BYTES"),
            (
                self._activation_bytes,
                most.activation_bytes,
                "bytes of activations a row",
                "MAX_ACTIVATION_BYTES",
            ),
            (self._unrolled_steps, most.unrolled_steps, "unrolled steps", "MAX_CALLS"),
        ):
            if limit is not None and used > limit:
                return (
                    f"This brings the graph to {used:,} {what}; at most {limit:,} are allowed "
                    f"({setting})."
                )
        return None
