"""Limits of the connections of one process to PostgreSQL."""

from typing import NamedTuple


class Bounds(NamedTuple):
    """Limits of one process."""

    connections: int = 10
    seconds: float | None = 20.0
    """Time limit of one statement; None sets no limit."""
