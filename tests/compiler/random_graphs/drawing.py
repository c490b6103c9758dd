"""Draws graphs in the graph language that are valid by construction."""

from hypothesis import strategies as st

from tests.compiler.random_graphs.graph import Graph
from tests.compiler.random_graphs.layers.kinds import LENGTH, WIDTHS, Config, Draw
from tests.compiler.random_graphs.nodes.functions import APPLY, COMBINE, SPLIT
from tests.compiler.random_graphs.nodes.graphs import CALL_AGAIN, NEST
from tests.compiler.random_graphs.nodes.several import ATTEND, GIVE_STATES, MERGE
from tests.compiler.random_graphs.nodes.single import EMBED, INLINE, REUSE, SHARE
from tests.compiler.random_graphs.nodes.wrappers import HOLD, SHARE_CELL, TURN, WRAP
from tests.compiler.random_graphs.tensors import Tensor

MOVES = [
    *(INLINE, SHARE, MERGE, EMBED, GIVE_STATES, ATTEND, SHARE_CELL),
    *(APPLY, COMBINE, SPLIT, NEST, WRAP),
    *2 * [INLINE, SHARE, REUSE, CALL_AGAIN, HOLD, TURN],
]
"""The kinds of nodes; a kind that is listed more often is drawn more often."""

_NAMES = st.sampled_from(["x", "dense", "input"])
_RANKS = st.sampled_from([1, 2, 2, 2, 3])
_LENGTHS = st.sampled_from([2, LENGTH, LENGTH, None])
_DTYPES = st.sampled_from([*["float32"] * 6, "float64", "float16", "int32", "int32"])


def _grow(graph: Graph, nodes: int) -> None:
    for _ in range(nodes):
        possible = [move for move in MOVES if move.ways(graph)]
        if possible and graph.calls < graph.most_calls:
            move = graph.one_of(possible)
            move.make(graph, graph.one_of(move.ways(graph)))
    graph.close()


def _input(draw: Draw, place: int) -> Tensor:
    name, dtype = f"{draw(_NAMES)}_{place}", draw(_DTYPES)
    if dtype == "int32":
        return Tensor(name, (draw(_LENGTHS),), dtype)
    steps = [draw(_LENGTHS) for _ in range(draw(_RANKS) - 1)]
    return Tensor(name, (*steps, draw(WIDTHS)), dtype)


@st.composite
def definitions(draw: Draw) -> Config:
    """Draw a definition with 1 to 3 inputs and up to 12 nodes, not counting nested ones."""
    inputs = [_input(draw, place) for place in range(draw(st.integers(1, 3)))]
    graph = Graph(draw, inputs, _grow)
    graph.grow(graph, draw(st.integers(1, 12)))
    return graph.definition()
