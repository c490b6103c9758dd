"""What a layer or function of one tensor is to the drawing: where it fits, and what it gives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Shape = tuple[int | None, ...]
"""Without the batch axis; None for an unknown length."""
Draw = Callable[[st.SearchStrategy[Any]], Any]
Config = dict[str, Any]

FLAGS = st.booleans()
WIDTHS = st.sampled_from([2, 3, 4])
LENGTH = 3
"""Of axes whose length a graph leaves open."""
VOCABULARY = 5
"""Whole numbers that go in are less than this."""


@dataclass(frozen=True)
class Kind:
    """One layer or function."""

    type: str
    fits: Callable[[Shape], bool]
    config: Callable[[Draw, Shape], Config]
    result: Callable[[Config, Shape], Shape]
    fixes: Callable[[Shape], Any] = lambda shape: shape
    """What of the first shape its weights hold it to."""

    def layer(self, draw: Draw, shape: Shape) -> Config:
        return {"type": self.type, "config": self.config(draw, shape)}


def of_rank(*ranks: int) -> Callable[[Shape], bool]:
    return lambda shape: len(shape) in ranks and shape[-1] is not None


def has_axes(shape: Shape) -> bool:
    return len(shape) > 0 and shape[-1] is not None


def is_known(shape: Shape) -> bool:
    return len(shape) > 0 and None not in shape


def known_of_rank(rank: int) -> Callable[[Shape], bool]:
    """Where a length changes: two unknown ones are then equal all the same."""
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
    """A config with these arguments; those that Keras has a default for are left out at times."""
    required = {"units", "filters", "kernel_size", "rate", "activation", "pool_size", "padding"}
    wanted = {n: s for n, s in strategies.items() if n in required}
    free = {n: s for n, s in strategies.items() if n not in required}
    drawn = st.fixed_dictionaries(wanted, optional=free)
    return lambda draw, _: draw(drawn)
