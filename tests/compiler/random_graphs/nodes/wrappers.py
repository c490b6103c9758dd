"""Adds wrappers of shared layers, cells and graphs."""

from tests.compiler.random_graphs.graph import Entry, Graph
from tests.compiler.random_graphs.layers.kinds import FLAGS, Shape
from tests.compiler.random_graphs.layers.nested import (
    LAYERS,
    RECURRENT,
    TIME_DISTRIBUTED,
    both_ways_result,
    cell,
)
from tests.compiler.random_graphs.layers.plain import PLAIN
from tests.compiler.random_graphs.nodes.graphs import can_nest, inner_graph, layer_of
from tests.compiler.random_graphs.nodes.move import Move
from tests.compiler.random_graphs.nodes.single import shared, takes
from tests.compiler.random_graphs.tensors import Tensor, is_like, is_plain, is_sequence

Held = tuple[Entry, Tensor, Shape]


def _steps(graph: Graph) -> list[Tensor]:
    """Return the tensors that TimeDistributed can take."""
    plain = graph.candidates(is_plain)
    return [t for t in plain if TIME_DISTRIBUTED.fits(t.shape) and not t.masked]


def _time_distributed(graph: Graph) -> list[Held]:
    """Return each shared layer that TimeDistributed can wrap, with a tensor and a step's shape."""
    found = []
    for entry in graph.entries:
        for x in _steps(graph):
            step = Tensor("", x.shape[1:])
            if takes(entry, step) and LAYERS[entry.type] in PLAIN:
                result = LAYERS[entry.type].result(entry.layer["config"], step.shape)
                found.append((entry, x, result))
            elif _contains_graph(graph, entry, step, x.shape[0] or 1) and entry.graph:
                found.append((entry, x, next(iter(entry.graph.outputs.values())).shape))
    return found


def _contains_graph(graph: Graph, entry: Entry, step: Tensor, times: int) -> bool:
    inner = entry.graph
    if inner is None or not inner.single:
        return False
    return is_like(inner.inputs[0], step) and graph.affords(inner, times)


def _wrap_steps(graph: Graph, way: Held) -> None:
    """Add TimeDistributed of a shared layer."""
    entry, x, step = way
    if entry.graph:
        graph.calls += (x.shape[0] or 1) * entry.graph.calls
    layer = {"type": "TimeDistributed", "config": {"layer": entry.name}}
    graph.call(layer, x, (x.shape[0], *step))


def _wrap(graph: Graph, x: Tensor) -> None:
    """Add TimeDistributed of a new graph."""
    times = x.shape[0] or 1
    inner = inner_graph(graph, [Tensor("", x.shape[1:])], graph.shelves, single=True, times=times)
    graph.calls += times * inner.calls
    layer = {"type": "TimeDistributed", "config": {"layer": layer_of(inner)}}
    graph.call(layer, x, (x.shape[0], *next(iter(inner.outputs.values())).shape))


def _turnable(graph: Graph) -> list[tuple[Entry, Tensor]]:
    """Return each shared recurrent layer that Bidirectional can wrap, with a tensor."""
    names = {kind.type for kind in RECURRENT}
    return [
        (e, t)
        for e, t in shared(graph)
        if e.type in names and "go_backwards" not in e.layer["config"]
    ]


def _turn(graph: Graph, way: tuple[Entry, Tensor]) -> None:
    """Add Bidirectional of a shared recurrent layer."""
    entry, x = way
    forward = LAYERS[entry.type].result(entry.layer["config"], x.shape)
    layer = {"type": "Bidirectional", "config": {"layer": entry.name}}
    graph.call(layer, x, both_ways_result({}, forward))


def _share_cell(graph: Graph, x: Tensor) -> None:
    """Add an RNN of a shared cell."""
    fixed = ("cell", x.shape[-1])
    known = [e for e in graph.entries if e.fixed == fixed]
    if known and graph.draw(FLAGS):
        entry = graph.one_of(known)
        name, made = entry.name, entry.layer
    else:
        made = cell(graph.draw)
        name = graph.share(made, fixed, graph.one_of(graph.shelves))
    graph.call({"type": "RNN", "config": {"cell": name}}, x, (made["config"]["units"],))


HOLD = Move(_time_distributed, _wrap_steps)
WRAP = Move(lambda graph: _steps(graph) if can_nest(graph) else [], _wrap)
TURN = Move(_turnable, _turn)
SHARE_CELL = Move(lambda graph: graph.candidates(is_sequence), _share_cell)
