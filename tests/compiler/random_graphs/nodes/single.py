"""Adds calls of layers with one input."""

from typing import Any

from tests.compiler.random_graphs.graph import Entry, Graph
from tests.compiler.random_graphs.layers.kinds import FLAGS, VOCABULARY, WIDTHS, Config, Kind
from tests.compiler.random_graphs.layers.nested import LAYERS
from tests.compiler.random_graphs.nodes.move import Move
from tests.compiler.random_graphs.tensors import Tensor, is_layerable, is_whole, suits

_CONSTANTS: dict[str, list[Config]] = {
    "BatchNormalization": [{}, {"training": False}, {"training": True}],
    "Dropout": [{}, {"training": False}],
    "GaussianNoise": [{}, {"training": False}],
}


def _layerable(graph: Graph) -> list[Tensor]:
    return graph.candidates(is_layerable)


def _kind_for(graph: Graph, x: Tensor) -> Kind:
    kind: Kind = graph.one_of([k for k in LAYERS.values() if suits(k, x)])
    return kind


def _inline(graph: Graph, x: Tensor) -> None:
    """Add a node that defines its own layer."""
    kind = _kind_for(graph, x)
    layer = kind.layer(graph.draw, x.shape)
    constants = graph.one_of(_CONSTANTS.get(kind.type, [{}]))
    graph.call(layer, x, kind.result(layer["config"], x.shape), **constants)


def _share(graph: Graph, x: Tensor) -> None:
    """Add a node that calls a new shared layer of this graph or of one around it."""
    kind = _kind_for(graph, x)
    layer = kind.layer(graph.draw, x.shape)
    name = graph.share(layer, kind.fixes(x.shape), graph.one_of(graph.shelves))
    graph.call(name, x, kind.result(layer["config"], x.shape))


def takes(entry: Entry, tensor: Tensor) -> bool:
    """Return whether a shared layer can also be called with this tensor."""
    kind = LAYERS.get(entry.type)
    if kind is None:
        return False
    return suits(kind, tensor) and kind.fixes(tensor.shape) == entry.fixed


def shared(graph: Graph) -> list[tuple[Entry, Tensor]]:
    """Return each visible shared layer with each tensor that it can take."""
    return [(e, t) for e in graph.entries for t in graph.candidates(is_layerable) if takes(e, t)]


def _reuse(graph: Graph, way: tuple[Entry, Tensor]) -> None:
    entry, x = way
    graph.call(entry.name, x, LAYERS[entry.type].result(entry.layer["config"], x.shape))


def _embed(graph: Graph, x: Tensor) -> None:
    width, masked = graph.draw(WIDTHS), graph.draw(FLAGS)
    config = {"input_dim": VOCABULARY, "output_dim": width, "mask_zero": masked}
    layer: Any = {"type": "Embedding", "config": config}
    if graph.draw(FLAGS):
        layer = graph.share(layer, "whole numbers", graph.one_of(graph.shelves))
    result = Tensor("", (*x.shape, width), masked=masked)
    graph.add([result], layer=layer, inputs=graph.read(x)[0])


INLINE = Move(_layerable, _inline)
SHARE = Move(_layerable, _share)
REUSE = Move(shared, _reuse)
EMBED = Move(lambda graph: graph.candidates(is_whole), _embed)
