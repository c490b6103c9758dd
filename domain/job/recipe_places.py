"""Maps the losses and metrics of a recipe, which are by output, to their places in the request."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from domain.graph.walk import Place
from domain.job.job import JobRequest
from domain.job.recipe import Component, WeightedLoss
from domain.json.pointer import pointer
from domain.json.source_map import SourceMap


class _Entry(NamedTuple):
    """The loss or the metrics of one output."""

    in_recipe: str
    in_request: str
    is_opaque: bool


def recipe_map(request: JobRequest, outputs: Sequence[str]) -> SourceMap:
    """Maps faults at `/compile/loss/<output>` or `/compile/metrics/<output>` to the request.

    Each of several losses of an output is at `/compile/loss/<output>/<index>`.

    Args:
        request: The job's request.
        outputs: The names of the graph's outputs, in its order.
    """
    measured = [
        entry
        for part in ("metrics", "weighted_metrics")
        for entry in _entries(request, part, outputs)
    ]
    entries = [*_loss_entries(request, outputs), *measured]
    places = {entry.in_recipe: entry.in_request for entry in entries}
    opaque = frozenset(entry.in_recipe for entry in entries if entry.is_opaque)
    return SourceMap(places={"": "", **places}, opaque=opaque)


def _entries(request: JobRequest, part: str, outputs: Sequence[str]) -> Iterator[_Entry]:
    """The entries that the request writes without the names of outputs."""
    given = getattr(request.compile, part)
    if isinstance(given, dict):
        return
    for name in outputs:
        index = _index(given, name, outputs, part) if isinstance(given, list) else None
        place = ("compile", part) if index is None else ("compile", part, index)
        is_opaque = index is None and not isinstance(given, Component)
        yield _Entry(pointer("compile", part, name), pointer(*place), is_opaque)


def _loss_entries(request: JobRequest, outputs: Sequence[str]) -> Iterator[_Entry]:
    """The entries of the losses, by output, and by index if an output has several."""
    given, place = request.compile.loss, ("compile", "loss")
    if isinstance(given, dict):
        for name, item in given.items():
            yield from _part_entries(name, item, (*place, name))
    elif isinstance(given, list) and len(outputs) == 1 and len(given) > 1:
        yield from _part_entries(outputs[0], given, place)
    elif isinstance(given, list):
        for index, (name, item) in enumerate(zip(outputs, given, strict=False)):
            yield from _part_entries(name, item, (*place, index))
    else:
        yield from _entries(request, "loss", outputs)


def _part_entries(output: str, given: object, place: Place) -> Iterator[_Entry]:
    """The entries of the losses of one output, which are one loss or a list of losses."""
    listed = given if isinstance(given, list) else [given]
    for index, item in enumerate(listed):
        in_recipe: Place = ("compile", "loss", output)
        in_recipe = (*in_recipe, index) if len(listed) > 1 else in_recipe
        own = (*place, index) if isinstance(given, list) else place
        own = (*own, "loss") if isinstance(item, WeightedLoss) else own
        yield _Entry(pointer(*in_recipe), pointer(*own), is_opaque=False)


def _index(given: Sequence[object], name: str, outputs: Sequence[str], part: str) -> int | None:
    """The index of an output's entry; a flat list of metrics may be that of a single output."""
    if part != "loss" and len(given) != len(outputs):
        return 0 if len(given) == 1 else None
    if part != "loss" and len(outputs) == 1 and not isinstance(given[0], list):
        return 0 if len(given) == 1 else None
    return list(outputs).index(name)
