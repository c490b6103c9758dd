"""Maps the losses and metrics of a recipe, which are by output, to their places in the request."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from domain.job.job import JobRequest
from domain.job.recipe import Component
from domain.pointer import pointer
from domain.source_map import SourceMap


class _Entry(NamedTuple):
    """The loss or the metrics of one output."""

    in_recipe: str
    in_request: str
    is_opaque: bool


def recipe_map(request: JobRequest, outputs: Sequence[str]) -> SourceMap:
    """Maps faults at `/compile/loss/<output>` and `/compile/metrics/<output>` to the request.

    Args:
        request: The job's request.
        outputs: The names of the graph's outputs, in its order.
    """
    entries = [*_entries(request, "loss", outputs), *_entries(request, "metrics", outputs)]
    places = {entry.in_recipe: entry.in_request for entry in entries}
    opaque = frozenset(entry.in_recipe for entry in entries if entry.is_opaque)
    return SourceMap(places={"": "", **places}, opaque=opaque)


def _entries(request: JobRequest, part: str, outputs: Sequence[str]) -> Iterator[_Entry]:
    """The entries that the request writes without the names of outputs."""
    given = request.compile.loss if part == "loss" else request.compile.metrics
    if isinstance(given, dict):
        return
    for name in outputs:
        index = _index(given, name, outputs, part) if isinstance(given, list) else None
        place = ("compile", part) if index is None else ("compile", part, index)
        is_opaque = index is None and not isinstance(given, Component)
        yield _Entry(pointer("compile", part, name), pointer(*place), is_opaque)


def _index(given: Sequence[object], name: str, outputs: Sequence[str], part: str) -> int | None:
    """The index of an output's entry; a flat list of metrics may be that of a single output."""
    if part == "metrics" and len(given) != len(outputs):
        return 0 if len(given) == 1 else None
    if part == "metrics" and len(outputs) == 1 and not isinstance(given[0], list):
        return 0 if len(given) == 1 else None
    return list(outputs).index(name)
