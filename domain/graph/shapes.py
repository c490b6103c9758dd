"""Shapes of one row: whether they fit, and how they are written."""

from collections.abc import Sequence

MOST_AXES = 32
"""Most axes of a tensor: many TensorFlow kernels refuse more, and 255 end the process."""


def fits(shape: Sequence[int], wanted: Sequence[int | None]) -> bool:
    """Whether a shape is one of those wanted; `null` is any length."""
    return len(shape) == len(wanted) and all(
        want is None or have == want for have, want in zip(shape, wanted, strict=True)
    )


def shown(shape: Sequence[int | None]) -> str:
    """As JSON has it."""
    return str(list(shape)).replace("None", "null")
