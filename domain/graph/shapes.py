"""Compares and formats the shapes of one row."""

from collections.abc import Sequence

MOST_AXES = 32
"""Maximum number of axes of a tensor. Many TensorFlow kernels refuse more; 255 axes crash the
process."""


def fits(shape: Sequence[int | None], wanted: Sequence[int | None]) -> bool:
    """Return whether a shape matches; a wanted length of None matches every length.

    A length of None in the shape stands for lengths that differ, which only None matches.
    """
    return len(shape) == len(wanted) and all(
        want is None or have == want for have, want in zip(shape, wanted, strict=True)
    )


def format_shape(shape: Sequence[int | None]) -> str:
    """Return the shape as JSON writes it, e.g. `[null, 4]`."""
    return str(list(shape)).replace("None", "null")
