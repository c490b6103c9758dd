"""Adds graphs as layers."""

import json
from typing import Any

from hypothesis import strategies as st

from tests.compiler.random_graphs.graph import Entry, Graph, Shelf, free
from tests.compiler.random_graphs.layers.kinds import FLAGS, LENGTH, Config
from tests.compiler.random_graphs.nodes.move import Move
from tests.compiler.random_graphs.tensors import Tensor, goes_in, is_nestable

DEEPEST = 4
"""Most levels of nested graphs, including the outermost one."""
_INPUTS = st.sampled_from(["x", "y", "dense"])
_UNLIKE = ("ropout", "Noise", "Spectral", '"layer": "', '"cell": "')
"""Parts of the names of layers that differ with each call in training, and of shared layers."""


def can_nest(graph: Graph) -> bool:
    return len(graph.shelves) < DEEPEST


def layer_of(graph: Graph) -> Config:
    return {"type": "Graph", "graph": graph.definition()}


def inner_graph(
    graph: Graph, given: list[Tensor], shelves: tuple[Shelf, ...], single: bool, times: int = 1
) -> Graph:
    """Draw a graph for `times` calls with such tensors and with the layers of `shelves`."""
    inputs: list[Tensor] = []
    for tensor in given:
        name = free(graph.draw(_INPUTS), {t.ref for t in inputs})
        inputs.append(_opened(graph, tensor).named(name))
    most = (graph.most_calls - graph.calls) // times
    inner = Graph(graph.draw, inputs, graph.grow, shelves, graph.shared_names, single, most)
    inner.grow(inner, graph.draw(st.integers(1, 4)))
    return inner


def _opened(graph: Graph, given: Tensor) -> Tensor:
    """Return the same tensor, perhaps with an unknown length."""
    if len(given.shape) < 2 or given.shape[0] != LENGTH or graph.draw(FLAGS):
        return given
    return Tensor("", (None, *given.shape[1:]), given.dtype, given.masked)


def _nestable(graph: Graph) -> list[Tensor]:
    return graph.candidates(is_nestable) if can_nest(graph) else []


def _nest(graph: Graph, first: Tensor) -> None:
    """Add a node that calls a new graph, which may be shared."""
    single = graph.single or graph.draw(FLAGS)
    others = st.lists(st.sampled_from(_nestable(graph)), max_size=0 if single else 2)
    given = [first, *graph.draw(others)]
    if graph.draw(FLAGS):
        inner = inner_graph(graph, given, graph.shelves, single)
        _call(graph, layer_of(inner), inner, given)
        return
    shelves = graph.shelves[: graph.draw(st.integers(1, len(graph.shelves)))]
    inner = inner_graph(graph, given, shelves, single)
    name = graph.share(layer_of(inner), "a graph", shelves[-1], inner)
    _call(graph, name, inner, given)


def _graphs(graph: Graph) -> list[tuple[Entry, list[list[Tensor]]]]:
    """Return each visible shared graph, with the tensors that each of its inputs can take."""
    found = []
    for entry in graph.entries:
        if entry.graph and graph.affords(entry.graph):
            wanted = entry.graph.inputs
            takes = [[t for t in graph.candidates(is_nestable) if goes_in(t, w)] for w in wanted]
            if all(takes):
                found.append((entry, takes))
    return found


def _call_again(graph: Graph, way: tuple[Entry, list[list[Tensor]]]) -> None:
    entry, takes = way
    assert entry.graph
    _call(graph, entry.name, entry.graph, [graph.one_of(tensors) for tensors in takes])


def _call(graph: Graph, made: Config | str, inner: Graph, given: list[Tensor]) -> None:
    inputs: Any = graph.read(*given)
    form = graph.one_of(["list", "names", "bare"])
    if form == "names":
        inputs = {t.ref: ref for t, ref in zip(inner.inputs, inputs, strict=True)}
    elif form == "bare" and len(inputs) == 1:
        inputs = inputs[0]
    constants: list[Config] = [{}, {}, {"training": False}]
    if not isinstance(made, str) and not any(word in json.dumps(made) for word in _UNLIKE):
        constants.append({"training": True})
    results = [t.named(f":{name}") for name, t in inner.outputs.items()]
    if len(results) == 1 and graph.draw(FLAGS):
        results = [results[0].named("")]
    graph.calls += inner.calls
    graph.add(results, layer=made, inputs=inputs, call=graph.one_of(constants))


NEST = Move(_nestable, _nest)
CALL_AGAIN = Move(_graphs, _call_again)
