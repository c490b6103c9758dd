"""Finds the place in a job's request of the column that feeds an input or output."""

from collections.abc import Sequence
from typing import Literal

from domain.graph.walk import Place
from domain.job.job import JobRequest
from domain.job.recipe import Recipe


def find_place(
    request: JobRequest, recipe: Recipe, part: Literal["inputs", "targets"], name: str
) -> Place:
    """Return the place of the column of an input or output."""
    given, base = getattr(request.feed, part), ("feed", part)
    if isinstance(given, list):
        named = _list_names(given, recipe, part)
        return (*base, named.index(name)) if name in named else base
    if isinstance(given, dict) and name in given:
        return (*base, name)
    return base


def _list_names(given: Sequence[object], recipe: Recipe, part: str) -> list[str]:
    """Return the inputs or outputs of a list.

    A list of targets may leave out the outputs without a loss or metrics.
    """
    if part == "inputs":
        return list(recipe.inputs)
    if len(given) == len(recipe.outputs):
        return list(recipe.outputs)
    return [name for name, output in recipe.outputs.items() if output.target is not None]
