"""Checks the size of a document against the limits of a graph, before any translation."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from compiler.keras_json.parsing.document import invalid_at, members
from compiler.keras_json.parsing.inbound_nodes import is_tensor_reference, untag_list
from compiler.keras_json.parsing.model_config import is_model
from domain.graph.limits import Limits
from domain.graph.walk import Place

Overrun = tuple[Place, str]
"""The place where a limit is exceeded, and the fault's detail."""


def check_size_limits(document: Any, limits: Limits) -> None:
    """Check the number of models, layers, calls and outputs in a document.

    Raises:
        Invalid: The first limit that the document exceeds.
    """
    count = _Count(limits)
    waiting: list[tuple[Place, Any, int]] = [((), document, 0)]
    while waiting:
        place, value, depth = waiting.pop()
        depth += _listed_layers(value) is not None
        for where, detail in count.add(value, place, depth):
            raise invalid_at(where, detail)
        waiting += [((*place, key), inner, depth) for key, inner in members(value)]


@dataclass
class _Count:
    """Running totals over the JSON values visited so far."""

    limits: Limits
    calls: int = 0
    layers: int = 0
    inputs: int = 0

    def add(self, value: Any, place: Place, depth: int) -> Iterator[Overrun]:
        """Add one JSON value, without the values inside it, and yield each exceeded limit."""
        listed = _listed_layers(value)
        if listed is not None:
            yield from self._model(value, listed, place, depth)
        if isinstance(value, dict) and isinstance(untag_list(value.get("inbound_nodes")), list):
            nodes = untag_list(value["inbound_nodes"])
            yield from self._calls(len(nodes), (*place, "inbound_nodes"))

    def _model(
        self, model: dict[str, Any], listed: list[Any], place: Place, depth: int
    ) -> Iterator[Overrun]:
        if depth > self.limits.depth:
            yield place, f"Graphs nest at most {self.limits.depth} deep (MAX_GRAPH_DEPTH)."
        config, where = model["config"], (*place, "config")
        layers_place = where if isinstance(config, list) else (*where, "layers")
        yield from self._layers(listed, layers_place)
        if model["class_name"] == "Sequential":
            yield from self._calls(len(listed) - 1, layers_place)
        for name in ("input_layers", "output_layers") if isinstance(config, dict) else ():
            yield from self._tensors(config.get(name), (*where, name))

    def _tensors(self, named: Any, place: Place) -> Iterator[Overrun]:
        count, most = _count_tensors(named), self.limits.nodes
        if count > most:
            yield place, f"There are {count:,} tensors here; at most {most:,} (MAX_NODES)."

    def _layers(self, listed: list[Any], place: Place) -> Iterator[Overrun]:
        inputs = sum(map(_is_input, listed))
        self.inputs += inputs
        self.layers += len(listed) - inputs
        for count, most, what in (
            (self.layers, self.limits.layers, "layers, nested ones included (MAX_LAYERS)"),
            (self.inputs, self.limits.nodes, "inputs, nested ones included (MAX_NODES)"),
        ):
            if count > most:
                yield place, f"A graph holds at most {most:,} {what}; here are at least {count:,}."

    def _calls(self, more: int, place: Place) -> Iterator[Overrun]:
        self.calls += more
        for most, name in ((self.limits.nodes, "MAX_NODES"), (self.limits.calls, "MAX_CALLS")):
            if self.calls > most:
                detail = (
                    f"Each call is a node of the graph, which holds at most {most:,} ({name}); "
                    f"here are at least {self.calls:,}."
                )
                yield place, detail


def _listed_layers(value: Any) -> list[Any] | None:
    """Return the list of layers if the value is a serialized model, otherwise None."""
    config = value.get("config") if isinstance(value, dict) and is_model(value) else None
    listed = config.get("layers") if isinstance(config, dict) else config
    return listed if isinstance(listed, list) else None


def _is_input(spec: Any) -> bool:
    return isinstance(spec, dict) and spec.get("class_name") == "InputLayer"


def _count_tensors(value: Any) -> int:
    """Count the tensor references in a model's inputs or outputs."""
    count, waiting = 0, [value]
    while waiting:
        item = waiting.pop()
        if is_tensor_reference(item):
            count += 1
        else:
            waiting += [inner for _, inner in members(item)]
    return count
