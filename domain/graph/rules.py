"""Checks the structural rules of a graph, and finds all faults together."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice

from domain.errors import MOST_FAULTS, Fault, clip, did_you_mean
from domain.graph.language import GraphDefinition, Reference
from domain.graph.limits import STANDARD, Limits, find_limit_faults
from domain.graph.shared_layers import find_layer_faults
from domain.graph.topology import find_cycle, find_reachable, order_nodes
from domain.graph.walk import Level, Place, walk_levels
from domain.json.pointer import pointer


def find_graph_faults(
    definition: GraphDefinition, limits: Limits = STANDARD, place: Place = ()
) -> list[Fault]:
    """Return the structural faults of a graph, up to MOST_FAULTS.

    Args:
        definition: The graph.
        limits: Maximum sizes; if the graph exceeds one, no other rule is checked.
        place: The place of the graph in the request body, e.g. `("definition",)`.
    """
    beyond = find_limit_faults(definition, limits, place)
    found = (
        fault
        for level in walk_levels(definition, place)
        for fault in _find_level_faults(level, limits)
    )
    return beyond or list(islice(found, MOST_FAULTS))


def _find_level_faults(level: Level, limits: Limits) -> Iterator[Fault]:
    rules = (
        _check_names,
        _check_node_references,
        _check_output_references,
        _find_cycles,
        _find_unused,
    )
    for rule in rules:
        for place, detail in rule(level.graph):
            yield Fault(pointer=pointer(*level.place, *place), detail=detail)
    yield from find_layer_faults(level, limits.depth)


def _check_names(graph: GraphDefinition) -> Iterator[tuple[Place, str]]:
    tensors: list[tuple[Place, str]] = [
        (("inputs", i, "name"), item.name) for i, item in enumerate(graph.inputs)
    ]
    tensors += [(("nodes", i, "name"), node.name) for i, node in enumerate(graph.nodes)]
    yield from _find_repeated(tensors, "The names of inputs and nodes must be unique")
    outputs: list[tuple[Place, str]] = [
        (("outputs", i), name) for i, (name, _) in enumerate(graph.named_outputs())
    ]
    yield from _find_repeated(
        outputs, 'The names of outputs must be unique ({"name": ..., "from": ...})'
    )


def _find_repeated(named: list[tuple[Place, str]], rule: str) -> Iterator[tuple[Place, str]]:
    counts: Counter[str] = Counter()
    for place, name in named:
        counts[name] += 1
        if counts[name] > 1:
            yield place, f"{rule}; '{name}' is already taken."


def _check_node_references(graph: GraphDefinition) -> Iterator[tuple[Place, str]]:
    known = _list_tensors(graph)
    for i, node in enumerate(graph.nodes):
        if not node.inputs:
            yield ("nodes", i, "inputs"), "A node needs at least one input."
        for where, text in node.references():
            target, pick = Reference.parse(text)
            if target == node.name:
                yield ("nodes", i, *where), f"Node '{target}' refers to itself."
            else:
                yield from _check_target(("nodes", i, *where), target, pick, known)


def _check_output_references(graph: GraphDefinition) -> Iterator[tuple[Place, str]]:
    known = _list_tensors(graph)
    for i, (name, text) in enumerate(graph.named_outputs()):
        bare = isinstance(graph.outputs[i], str)
        place: Place = ("outputs", i) if bare else ("outputs", i, "from")
        target, pick = Reference.parse(text)
        yield from _check_target(place, target, pick, known)
        if bare and pick is not None and target in known:
            named = f'{{"name": "...", "from": "{clip(name)}"}}'
            yield place, f"An output that is a pick needs a name: {named}."


def _list_tensors(graph: GraphDefinition) -> dict[str, bool]:
    """Return every name that a reference may use, and whether it names an input."""
    nodes = {node.name: False for node in graph.nodes}
    return nodes | {item.name: True for item in graph.inputs}


def _check_target(
    place: Place, target: str, pick: str | None, known: dict[str, bool]
) -> Iterator[tuple[Place, str]]:
    if target not in known:
        near = did_you_mean(target, known)
        yield place, f"There is no node or input named '{clip(target)}'.{near}"
    elif pick is not None and known[target]:
        yield place, f"'{target}' is an input, a single tensor; remove ':{clip(pick)}'."


def _find_cycles(graph: GraphDefinition) -> Iterator[tuple[Place, str]]:
    names = [node.name for node in graph.nodes]
    called = order_nodes(graph)
    if len(called) == len(names) or len(set(names)) < len(names):
        return
    loop = find_cycle(graph, called)
    if len(loop) > 1:  # a node that refers to itself already has a fault
        path = " -> ".join(_shorten([*reversed(loop), loop[-1]]))
        place = ("nodes", names.index(loop[0]), "inputs")
        yield place, f"These nodes depend on each other in a cycle: {path}."


def _shorten(names: list[str]) -> list[str]:
    """Return the list, or its first and last ten entries if it is long."""
    return names if len(names) <= 20 else [*names[:10], "...", *names[-10:]]


def _find_unused(graph: GraphDefinition) -> Iterator[tuple[Place, str]]:
    needed = find_reachable(graph)
    for i, item in enumerate(graph.inputs):
        if item.name not in needed:
            yield ("inputs", i), f"No output depends on input '{item.name}'; remove or use it."
    for i, node in enumerate(graph.nodes):
        if node.name not in needed:
            detail = f"No output depends on node '{node.name}'; remove it or make it an output."
            yield ("nodes", i), detail
