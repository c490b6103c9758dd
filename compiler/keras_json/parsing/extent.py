"""How much a document asks for, counted in its bare JSON before anything is made of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from compiler.keras_json.parsing.document import members, refused
from compiler.keras_json.parsing.inbound import is_leaf, plain_list
from compiler.keras_json.parsing.models import is_model
from domain.graph.limits import Limits
from domain.graph.walk import Place

Overrun = tuple[Place, str]
"""Where a limit is passed, and what is said of it."""


def refuse_excess(document: Any, limits: Limits) -> None:
    """See that a document holds no more models, layers, calls and outputs than a graph may.

    Raises:
        Invalid: the first limit that it goes beyond.
    """
    count = _Count(limits)
    waiting: list[tuple[Place, Any, int]] = [((), document, 0)]
    while waiting:
        place, value, depth = waiting.pop()
        depth += _listed_layers(value) is not None
        for where, detail in count.beyond(value, place, depth):
            raise refused(where, detail)
        waiting += [((*place, key), inner, depth) for key, inner in members(value)]


@dataclass
class _Count:
    """What the objects walked so far come to."""

    limits: Limits
    calls: int = 0
    layers: int = 0
    inputs: int = 0

    def beyond(self, value: Any, place: Place, depth: int) -> Iterator[Overrun]:
        """Adds one value of the document; what lies in it is added by itself."""
        listed = _listed_layers(value)
        if listed is not None:
            yield from self._model(value, listed, place, depth)
        if isinstance(value, dict) and isinstance(plain_list(value.get("inbound_nodes")), list):
            nodes = plain_list(value["inbound_nodes"])
            yield from self._calls(len(nodes), (*place, "inbound_nodes"))

    def _model(
        self, model: dict[str, Any], listed: list[Any], place: Place, depth: int
    ) -> Iterator[Overrun]:
        if depth > self.limits.depth:
            yield place, f"Graphs nest at most {self.limits.depth} deep (MAX_GRAPH_DEPTH)."
        config, where = model["config"], (*place, "config")
        held = where if isinstance(config, list) else (*where, "layers")
        yield from self._layers(listed, held)
        if model["class_name"] == "Sequential":
            yield from self._calls(len(listed) - 1, held)
        for name in ("input_layers", "output_layers") if isinstance(config, dict) else ():
            yield from self._tensors(config.get(name), (*where, name))

    def _tensors(self, named: Any, place: Place) -> Iterator[Overrun]:
        count, most = _leaves(named), self.limits.nodes
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
    """The layers of a serialized model; None of anything else."""
    config = value.get("config") if isinstance(value, dict) and is_model(value) else None
    listed = config.get("layers") if isinstance(config, dict) else config
    return listed if isinstance(listed, list) else None


def _is_input(spec: Any) -> bool:
    return isinstance(spec, dict) and spec.get("class_name") == "InputLayer"


def _leaves(value: Any) -> int:
    """How many tensors the inputs or outputs of a model are."""
    count, waiting = 0, [value]
    while waiting:
        item = waiting.pop()
        if is_leaf(item):
            count += 1
        else:
            waiting += [inner for _, inner in members(item)]
    return count
