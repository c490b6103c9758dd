"""Adds calls of the functions of `keras.ops`."""

from typing import Any

from tests.compiler.random_graphs.graph import Graph
from tests.compiler.random_graphs.layers.functions import FUNCTIONS
from tests.compiler.random_graphs.layers.kinds import FLAGS, Config, Shape
from tests.compiler.random_graphs.nodes.move import Move
from tests.compiler.random_graphs.tensors import Tensor, is_like, is_plain


def _plain(graph: Graph) -> list[Tensor]:
    return graph.candidates(is_plain)


def _apply(graph: Graph, x: Tensor) -> None:
    """Add a function of one tensor and constants."""
    kind = graph.one_of([k for k in FUNCTIONS if k.fits(x.shape)])
    config = kind.config(graph.draw, x.shape)
    result = Tensor("", kind.result(config, x.shape))
    inputs: Any = graph.read(x)[0]
    if isinstance(config.get("x2"), int | float) and graph.draw(FLAGS):  # in either order
        config, inputs = {"x1": config["x2"]}, {"x2": inputs}
    graph.add([result], op=kind.type, config=config, inputs=inputs)


def _combine(graph: Graph, x: Tensor) -> None:
    """Add a function of two tensors."""
    y = graph.one_of([t for t in graph.tensors if is_like(t, x)])
    choices = _combinations(x.shape)
    op = graph.one_of(sorted(choices))
    config, shape = choices[op]
    graph.add([Tensor("", shape)], op=op, config=config, inputs=graph.read(x, y))


def _combinations(shape: Shape) -> dict[str, tuple[Config, Shape]]:
    """Return the config and the result's shape of each function of two tensors with this shape."""
    same: tuple[Config, Shape] = ({}, shape)
    einsum: tuple[Config, Shape] = ({"subscripts": "a...b,a...b->a..."}, shape[:-1])
    if len(shape) == 2:
        einsum = ({"subscripts": "abc,adc->abd"}, (shape[0], shape[0]))
    return {
        **dict.fromkeys(("add", "subtract", "multiply", "minimum"), same),
        "concatenate": ({"axis": -1}, (*shape[:-1], 2 * (shape[-1] or 0))),
        "stack": ({"axis": len(shape) + 1}, (*shape, 2)),
        "einsum": einsum,
    }


def _even(graph: Graph) -> list[Tensor]:
    if graph.single:
        return []
    return [t for t in _plain(graph) if (t.shape[-1] or 1) % 2 == 0]


def _split(graph: Graph, x: Tensor) -> None:
    half = (*x.shape[:-1], (x.shape[-1] or 0) // 2)
    config = {"indices_or_sections": 2, "axis": -1}
    results = [Tensor(":0", half), Tensor(":1", half)]
    graph.add(results, op="split", config=config, inputs=graph.read(x)[0])


APPLY = Move(_plain, _apply)
COMBINE = Move(_plain, _combine)
SPLIT = Move(_even, _split)
