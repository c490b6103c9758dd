"""Adds layers with several inputs or several outputs."""

from typing import Any

from hypothesis import strategies as st

from tests.compiler.random_graphs.graph import Graph
from tests.compiler.random_graphs.layers.kinds import FLAGS, WIDTHS, Config, Shape
from tests.compiler.random_graphs.nodes.move import Move
from tests.compiler.random_graphs.tensors import (
    Tensor,
    is_layerable,
    is_like,
    is_sequence,
    is_state,
)

_MERGES = ["Add", "Multiply", "Average", "Maximum", "Concatenate", "Subtract"]


def _merge(graph: Graph, x: Tensor) -> None:
    alike = st.sampled_from([t for t in graph.tensors if is_like(t, x)])
    others = graph.draw(st.lists(alike, min_size=1, max_size=2))
    kind = graph.one_of(_MERGES)
    tensors = [x, *others][: 2 if kind == "Subtract" else 3]
    shape = x.shape
    if kind == "Concatenate":
        shape = (*shape[:-1], (shape[-1] or 0) * len(tensors))
    layer = {"type": kind, "config": {}}
    result = Tensor("", shape, masked=x.masked)
    graph.add([result], layer=layer, inputs=graph.read(*tensors))


def _sequences(graph: Graph) -> list[Tensor]:
    return [] if graph.single else graph.candidates(is_sequence)


def _give_states(graph: Graph, x: Tensor) -> None:
    """Add a recurrent layer that returns its states, and may start with those of another layer."""
    kind, count = graph.one_of([("LSTM", 2), ("GRU", 1), ("SimpleRNN", 1)])
    begun = _initial(graph, count) if graph.draw(FLAGS) else []
    units = begun[0].shape[0] if begun else graph.draw(WIDTHS)
    sequences = graph.draw(FLAGS)
    config = {"units": units, "return_state": True, "return_sequences": sequences}
    inputs: Any = graph.read(x)[0]
    if begun:
        inputs = {"sequences": inputs, "initial_state": graph.read(*begun)}
    steps = x.shape[:1] if sequences else ()
    results = [Tensor(":0", (*steps, units), masked=x.masked)]
    results += [Tensor(f":{i + 1}", (units,)) for i in range(count)]
    graph.add(results, layer={"type": kind, "config": config}, inputs=inputs)


def _initial(graph: Graph, count: int) -> list[Tensor]:
    states = [t for t in graph.tensors if is_state(t)]
    if not states:
        return []
    first = graph.one_of(states)
    alike = [t for t in states if is_like(t, first)]
    return [first, *(graph.one_of(alike) for _ in range(count - 1))]


def _attend(graph: Graph, x: Tensor) -> None:
    values = [t for t in graph.tensors if is_sequence(t) and t.shape[1] == x.shape[1]]
    value = graph.one_of(values)
    heads, scores = graph.one_of([0, 1, 2]), graph.draw(FLAGS)
    refs: Any = graph.read(x, value)
    if heads:
        config = {"num_heads": heads, "key_dim": graph.draw(WIDTHS)}
        layer: Config = {"type": "MultiHeadAttention", "config": config}
        refs = dict(zip(["query", "value"], refs, strict=True))
    else:
        layer = {"type": graph.one_of(["Attention", "AdditiveAttention"]), "config": {}}
    grid: Shape = (x.shape[0], value.shape[0])
    results = [Tensor(":0" if scores else "", x.shape, masked=x.masked)]
    results += [Tensor(":1", (heads, *grid) if heads else grid)] if scores else []
    call = {"return_attention_scores": True} if scores else {}
    graph.add(results, layer=layer, inputs=refs, call=call)


MERGE = Move(lambda graph: graph.candidates(is_layerable), _merge)
GIVE_STATES = Move(_sequences, _give_states)
ATTEND = Move(_sequences, _attend)
