"""Freezes layers of a built model, chosen by patterns of their paths."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any

from compiler.keras_private import get_all_layers
from compiler.model.build import BuiltModel
from domain.errors import Fault, clip, did_you_mean
from domain.json.pointer import pointer

MOST_NAMED = 20
"""The most layers that a message lists."""
PLACE = ("fit", "freeze")


@contextmanager
def frozen(built: BuiltModel, patterns: Sequence[str]) -> Iterator[None]:
    """Freeze the layers that match a pattern inside the block, as `layer.trainable = False` does.

    A frozen graph or model freezes every layer in it.
    """
    before = [(layer, layer.trainable) for layer in get_all_layers(built.model)]
    try:
        for pattern in patterns:
            for layer in _find_matches(built, pattern).values():
                layer.trainable = False
        yield
    finally:
        if patterns:
            for layer, trainable in before:  # a layer comes before those inside it
                layer.trainable = trainable


def _find_matches(built: BuiltModel, pattern: str) -> dict[str, Any]:
    return {path: layer for path, layer in built.layers.items() if fnmatchcase(path, pattern)}


def find_freeze_faults(built: BuiltModel, patterns: Sequence[str]) -> Iterator[Fault]:
    """Find patterns that match no layer, and a model of which nothing is left to train.

    Args:
        built: The model, whether or not its weights are allocated.
        patterns: Patterns of the paths of layers, e.g. `encoder/*`.
    """
    unmatched = [i for i, pattern in enumerate(patterns) if not _find_matches(built, pattern)]
    for i in unmatched:
        listed = ", ".join(f"'{path}'" for path in list(built.layers)[:MOST_NAMED])
        more = ", ..." if len(built.layers) > MOST_NAMED else ""
        near = did_you_mean(patterns[i], built.layers)
        detail = f"'{clip(patterns[i])}' matches no layer; there are {listed}{more}.{near}"
        yield Fault(pointer=pointer(*PLACE, i), detail=detail)
    if patterns and not unmatched:
        with frozen(built, patterns):
            is_frozen = not built.model.trainable_variables
        if is_frozen:
            detail = "Every layer with weights is frozen: leave at least one of them to train."
            yield Fault(pointer=pointer(*PLACE), detail=detail)
