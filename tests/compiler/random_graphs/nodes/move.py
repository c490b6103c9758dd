"""A kind of node that can be added to a graph while it is drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.compiler.random_graphs.graph import Graph


@dataclass(frozen=True)
class Move:
    """A kind of node and how it is added."""

    ways: Callable[[Graph], Sequence[Any]]
    """The ways to add the node: tensors, each with the shared layer if it uses one."""
    make: Callable[[Graph, Any], None]
    """Adds the node in one of these ways."""
