"""Kinds of layers and functions with one input: the shapes that they take and return."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Shape = tuple[int | None, ...]
"""A shape without the batch axis; None is an unknown length."""
Draw = Callable[[st.SearchStrategy[Any]], Any]
Config = dict[str, Any]

FLAGS = st.booleans()
WIDTHS = st.sampled_from([2, 3, 4])
LENGTH = 3
"""The actual length of axes that a graph leaves unknown."""
VOCABULARY = 5
"""Integer inputs are less than this number."""


@dataclass(frozen=True)
class Kind:
    """A layer type or a function."""

    type: str
    fits: Callable[[Shape], bool]
    config: Callable[[Draw, Shape], Config]
    result: Callable[[Config, Shape], Shape]
    fixes: Callable[[Shape], Any] = lambda shape: shape
    """The part of an input's shape that the weights fix for further calls."""

    def layer(self, draw: Draw, shape: Shape) -> Config:
        return {"type": self.type, "config": self.config(draw, shape)}


def of_rank(*ranks: int) -> Callable[[Shape], bool]:
    return lambda shape: len(shape) in ranks and shape[-1] is not None


def has_axes(shape: Shape) -> bool:
    return len(shape) > 0 and shape[-1] is not None


def is_known(shape: Shape) -> bool:
    return len(shape) > 0 and None not in shape


def known_of_rank(rank: int) -> Callable[[Shape], bool]:
    """Require known lengths, for layers that change a length."""
    return lambda shape: len(shape) == rank and None not in shape


def last(shape: Shape) -> Any:
    return shape[-1]


def rank_and_last(shape: Shape) -> Any:
    return len(shape), shape[-1]


def same(_: Config, shape: Shape) -> Shape:
    return shape


def width(argument: str) -> Callable[[Config, Shape], Shape]:
    return lambda config, shape: (*shape[:-1], config[argument])


def options(**strategies: st.SearchStrategy[Any]) -> Callable[[Draw, Shape], Config]:
    """Draw a config of these arguments, each of which may be omitted."""
    required = {"units", "filters", "kernel_size", "rate", "activation", "pool_size", "padding"}
    wanted = {n: s for n, s in strategies.items() if n in required}
    free = {n: s for n, s in strategies.items() if n not in required}
    drawn = st.fixed_dictionaries(wanted, optional=free)
    return lambda draw, _: draw(drawn)
