"""A fragment of graph JSON, with the place of each piece in Keras's JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from domain.graph.walk import Place
from domain.json.pointer import pointer
from domain.json.source_map import SourceMap

Places = Mapping[Place, Place]
"""Places in the fragment, mapped to the places in Keras's JSON that they come from."""


@dataclass(frozen=True)
class Fragment:
    """JSON of the graph language, with the origin of each piece."""

    value: Any
    places: Places = field(default_factory=dict)

    def under(self, *place: str | int) -> dict[Place, Place]:
        """Return the places, prefixed by `place`, where another fragment contains this one."""
        return {(*place, *ours): theirs for ours, theirs in self.places.items()}

    @cached_property
    def pointers(self) -> dict[str, str]:
        """The places as JSON Pointers."""
        return {pointer(*ours): pointer(*theirs) for ours, theirs in self.places.items()}

    @cached_property
    def source(self) -> SourceMap:
        """The map from places in the fragment to places in Keras's JSON."""
        return SourceMap(places=self.pointers)


def definition_fragment(
    inputs: list[Fragment],
    layers: Mapping[str, Fragment],
    nodes: list[Fragment],
    outputs: list[Fragment],
) -> Fragment:
    """Return a graph's definition, made of the fragments of its pieces."""
    value: dict[str, Any] = {"inputs": [part.value for part in inputs]}
    if layers:
        value["layers"] = {name: part.value for name, part in layers.items()}
    value["nodes"] = [part.value for part in nodes]
    value["outputs"] = [part.value for part in outputs]
    places: dict[Place, Place] = {}
    for field_name, parts in (("inputs", inputs), ("nodes", nodes), ("outputs", outputs)):
        for i, part in enumerate(parts):
            places |= part.under(field_name, i)
    for name, part in layers.items():
        places |= part.under("layers", name)
    return Fragment(value, places)
