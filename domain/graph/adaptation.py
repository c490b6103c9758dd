"""Layers that learn their state from data, as Keras's `adapt` does, before the first epoch."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from domain.errors import Fault
from domain.graph.language import (
    GraphDefinition,
    KerasLayer,
    LayerNode,
    NamedOutput,
    Reference,
)
from domain.graph.topology import order_nodes
from domain.graph.walk import Place, walk_layers, walk_levels
from domain.json.pointer import pointer

STATE_ARGUMENTS: Mapping[str, str] = {
    "Discretization": "bin_boundaries",
    "IntegerLookup": "vocabulary",
    "Normalization": "mean",
    "StringLookup": "vocabulary",
    "TextVectorization": "vocabulary",
}
"""The argument that holds the state of each of these layers; without it, the layer learns it."""
_LOOKUPS = ("IntegerLookup", "StringLookup", "TextVectorization")
_SIZES = {"Embedding": "input_dim", "CategoryEncoding": "num_tokens"}
"""The argument of a layer that takes indices which states the number of them."""


class AdaptiveLayer(NamedTuple):
    """A layer that learns its state from data."""

    name: str
    """The name of its node, or of the shared layer."""
    place: Place
    """Its place in the definition."""
    layer: KerasLayer
    nodes: tuple[LayerNode, ...]
    """The nodes that call it, in topological order."""

    def list_inputs(self) -> list[str]:
        """Return the reference to the data of each call."""
        return [next(text for _, text in node.references()) for node in self.nodes]


def find_adaptive_layers(definition: GraphDefinition) -> list[AdaptiveLayer]:
    """Return the layers of the outermost graph that learn their state, in topological order."""
    positions = {node.name: i for i, node in enumerate(definition.nodes)}
    found: dict[Place, AdaptiveLayer] = {}
    for node in order_nodes(definition):
        if not isinstance(node, LayerNode):
            continue
        shared = node.layer if isinstance(node.layer, str) else None
        layer = definition.layers.get(shared) if shared is not None else node.layer
        if not isinstance(layer, KerasLayer) or not learns_state(layer):
            continue
        at_node: Place = ("nodes", positions[node.name], "layer")
        place = at_node if shared is None else ("layers", shared)
        earlier = found[place].nodes if place in found else ()
        name = node.name if shared is None else shared
        found[place] = AdaptiveLayer(name, place, layer, (*earlier, node))
    return list(found.values())


def learns_state(layer: KerasLayer) -> bool:
    """Return whether a layer learns its state from data."""
    argument = STATE_ARGUMENTS.get(layer.type)
    if argument is None or layer.config.get(argument) is not None:
        return False
    return layer.type != "Discretization" or layer.config.get("num_bins") is not None


def find_adaptation_faults(definition: GraphDefinition) -> Iterator[Fault]:
    """Find why layers cannot learn their state where they are, or what follows cannot take it."""
    adaptive = find_adaptive_layers(definition)
    known = {item.place for item in adaptive}
    for level in walk_levels(definition):
        for place, layer in walk_layers(level):
            if isinstance(layer, KerasLayer) and learns_state(layer) and place not in known:
                yield _make_fault(place, _describe_misplaced(layer))
    for item in adaptive:
        yield from _find_size_faults(definition, item)


def find_missing_states(definition: GraphDefinition) -> Iterator[Fault]:
    """Find the layers of a model that is built without training and so without a state."""
    for item in find_adaptive_layers(definition):
        argument = STATE_ARGUMENTS[item.layer.type]
        detail = (
            f"'{item.name}' learns its state from training data, which a `build` job does not "
            f"have. Give '{argument}', or train."
        )
        yield _make_fault(item.place, detail)


def find_ancestors(definition: GraphDefinition, references: list[str]) -> set[str]:
    """Return the names of all nodes and inputs on which the referenced tensors depend."""
    by_name = {node.name: node for node in definition.nodes}
    waiting = [Reference.parse(text).target for text in references]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            node = by_name.get(name)
            texts = () if node is None else node.references()
            waiting.extend(Reference.parse(text).target for _, text in texts)
    return seen


def cut(definition: GraphDefinition, references: list[str]) -> GraphDefinition:
    """Return the part of a graph that computes these tensors, which are its outputs in order.

    Args:
        definition: The graph.
        references: The tensors.
    """
    needed = find_ancestors(definition, references)
    return definition.model_copy(
        update={
            "inputs": [item for item in definition.inputs if item.name in needed],
            "nodes": [node for node in definition.nodes if node.name in needed],
            "outputs": [
                NamedOutput(name=f"reached_{i}", source=text) for i, text in enumerate(references)
            ],
        }
    )


def set_states(
    definition: GraphDefinition, states: Mapping[Place, Mapping[str, Any]]
) -> GraphDefinition:
    """Return the graph with states in the configs of layers.

    Args:
        definition: The graph.
        states: By the places of the layers, the arguments that hold the state.
    """

    def fill(layer: Any, place: Place) -> Any:
        state = states.get(place)
        if state is None:
            return layer
        return layer.model_copy(update={"config": {**layer.config, **state}})

    layers = {name: fill(layer, ("layers", name)) for name, layer in definition.layers.items()}
    nodes = [
        node.model_copy(update={"layer": fill(node.layer, ("nodes", i, "layer"))})
        if isinstance(node, LayerNode)
        else node
        for i, node in enumerate(definition.nodes)
    ]
    return definition.model_copy(update={"layers": layers, "nodes": nodes})


def make_placeholder(layer: KerasLayer) -> dict[str, Any]:
    """Return a state with which the layer has the shapes that it will have after it has learned."""
    if layer.type == "Normalization":
        return {"mean": 0.0, "variance": 1.0}
    if layer.type == "Discretization":
        bins = layer.config["num_bins"]
        count = int(bins) - 1 if isinstance(bins, int | float) else 1
        return {"bin_boundaries": [float(i) for i in range(max(count, 1))], "num_bins": None}
    state: dict[str, Any] = {"vocabulary": [1] if layer.type == "IntegerLookup" else ["a"]}
    if get_output_mode(layer) == "tf_idf":
        state["idf_weights"] = [1.0]
    return state


def get_output_mode(layer: KerasLayer) -> str:
    """Return the `output_mode` of a lookup."""
    return str(layer.config.get("output_mode") or "int")


def _find_size_faults(definition: GraphDefinition, item: AdaptiveLayer) -> Iterator[Fault]:
    """Find a vocabulary of unknown size where a size is needed before it is learned."""
    if item.layer.type not in _LOOKUPS:
        return
    most, mode = item.layer.config.get("max_tokens"), get_output_mode(item.layer)
    if mode != "int":
        if most is None or item.layer.config.get("pad_to_max_tokens") is not True:
            detail = (
                f"With `output_mode` '{mode}' each row has as many values as the vocabulary, whose "
                "size is unknown before it is learned: give `max_tokens` and "
                "`pad_to_max_tokens: true`, or take `output_mode` 'int' and a CategoryEncoding."
            )
            yield _make_fault(item.place, detail)
        return
    for place, layer in _find_users(definition, item):
        argument = _SIZES[layer.type]
        size = layer.config.get(argument)
        if not isinstance(size, int | float) or isinstance(size, bool):
            continue
        if most is None:
            detail = (
                f"'{item.name}' learns its vocabulary, whose size is unknown: give it "
                f"`max_tokens`, at most {size:g}, which is the `{argument}` of the {layer.type} "
                "that follows."
            )
            yield _make_fault(item.place, detail)
        elif isinstance(most, int | float) and most > size:
            detail = (
                f"'{item.name}' gives up to {most:g} indices (`max_tokens`); this {layer.type} "
                f"takes {size:g}."
            )
            yield Fault(pointer=pointer(*place, "config", argument), detail=detail)


def _find_users(
    definition: GraphDefinition, item: AdaptiveLayer
) -> Iterator[tuple[Place, KerasLayer]]:
    """Yield the layers that take the indices of a lookup directly, and state their number."""
    names = {node.name for node in item.nodes}
    for i, node in enumerate(definition.nodes):
        if not isinstance(node, LayerNode):
            continue
        is_shared = isinstance(node.layer, str)
        layer = definition.layers.get(node.layer) if isinstance(node.layer, str) else node.layer
        texts = [Reference.parse(text).target for _, text in node.references()]
        if isinstance(layer, KerasLayer) and layer.type in _SIZES and names & set(texts):
            place: Place = ("layers", str(node.layer)) if is_shared else ("nodes", i, "layer")
            yield place, layer


def _describe_misplaced(layer: KerasLayer) -> str:
    argument = STATE_ARGUMENTS[layer.type]
    return (
        f"Without '{argument}', {layer.type} learns its state from the training data, which only a "
        f"layer of the outermost graph can do. Give '{argument}', or move the layer there."
    )


def _make_fault(place: Place, detail: str) -> Fault:
    return Fault(pointer=pointer(*place, "config"), detail=detail)
