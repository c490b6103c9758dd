"""The structural rules of a graph. All faults are found together, each with its JSON Pointer."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice

from domain.errors import MOST_FAULTS, Fault, clip, did_you_mean
from domain.graph.language import GraphDefinition, Reference
from domain.graph.limits import STANDARD, Limits, limit_faults
from domain.graph.shared_layers import layer_faults
from domain.graph.topology import find_cycle, find_reachable, order_nodes
from domain.graph.walk import Level, Place, walk_levels
from domain.pointer import pointer


def faults_of(
    definition: GraphDefinition, limits: Limits = STANDARD, place: Place = ()
) -> list[Fault]:
    """Return the structural faults of a graph, up to MOST_FAULTS.

    Args:
        definition: The graph.
        limits: Maximum sizes; if the graph exceeds one, no other rule is checked.
        place: Where the graph lies in the request body, e.g. `("definition",)`.
    """
    beyond = limit_faults(definition, limits, place)
    found = (
        fault for level in walk_levels(definition, place) for fault in _level_faults(level, limits)
    )
    return beyond or list(islice(found, MOST_FAULTS))


def _level_faults(level: Level, limits: Limits) -> Iterator[Fault]:
    rules = (_names, _node_references, _output_references, _cycles, _unused)
    for rule in rules:
        for place, detail in rule(level.graph):
            yield Fault(pointer=pointer(*level.place, *place), detail=detail)
    yield from layer_faults(level, limits.depth)


def _names(graph: GraphDefinition) -> Iterator[tuple[Place, str]]:
    tensors: list[tuple[Place, str]] = [
        (("inputs", i, "name"), item.name) for i, item in enumerate(graph.inputs)
    ]
    tensors += [(("nodes", i, "name"), node.name) for i, node in enumerate(graph.nodes)]
    yield from _repeated(tensors, "The names of inputs and nodes must be unique")
    outputs: list[tuple[Place, str]] = [
        (("outputs", i), name) for i, (name, _) in enumerate(graph.named_outputs())
    ]
    yield from _repeated(
        outputs, 'The names of outputs must be unique ({"name": ..., "from": ...})'
    )


def _repeated(named: list[tuple[Place, str]], rule: str) -> Iterator[tuple[Place, str]]:
    counts: Counter[str] = Counter()
    for place, name in named:
        counts[name] += 1
        if counts[name] > 1:
            yield place, f"{rule}; '{name}' is already taken."


def _node_references(graph: GraphDefinition) -> Iterator[tuple[Place, str]]:
    known = _tensors(graph)
    for i, node in enumerate(graph.nodes):
        if not node.inputs:
            yield ("nodes", i, "inputs"), "A node needs at least one input."
        for where, text in node.references():
            target, pick = Reference.parse(text)
            if target == node.name:
                yield ("nodes", i, *where), f"Node '{target}' refers to itself."
            else:
                yield from _resolvable(("nodes", i, *where), target, pick, known)


def _output_references(graph: GraphDefinition) -> Iterator[tuple[Place, str]]:
    known = _tensors(graph)
    for i, (name, text) in enumerate(graph.named_outputs()):
        bare = isinstance(graph.outputs[i], str)
        place: Place = ("outputs", i) if bare else ("outputs", i, "from")
        target, pick = Reference.parse(text)
        yield from _resolvable(place, target, pick, known)
        if bare and pick is not None and target in known:
            named = f'{{"name": "...", "from": "{clip(name)}"}}'
            yield place, f"An output that is a pick needs a name: {named}."


def _tensors(graph: GraphDefinition) -> dict[str, bool]:
    """Return every name that a reference may use, and whether it names an input."""
    nodes = {node.name: False for node in graph.nodes}
    return nodes | {item.name: True for item in graph.inputs}


def _resolvable(
    place: Place, target: str, pick: str | None, known: dict[str, bool]
) -> Iterator[tuple[Place, str]]:
    if target not in known:
        near = did_you_mean(target, known)
        yield place, f"There is no node or input named '{clip(target)}'.{near}"
    elif pick is not None and known[target]:
        yield place, f"'{target}' is an input, a single tensor; remove ':{clip(pick)}'."


def _cycles(graph: GraphDefinition) -> Iterator[tuple[Place, str]]:
    names = [node.name for node in graph.nodes]
    called = order_nodes(graph)
    if len(called) == len(names) or len(set(names)) < len(names):
        return
    loop = find_cycle(graph, called)
    if len(loop) > 1:  # a node that refers to itself already has a fault
        path = " -> ".join(_some([*reversed(loop), loop[-1]]))
        place = ("nodes", names.index(loop[0]), "inputs")
        yield place, f"These nodes depend on each other in a cycle: {path}."


def _some(names: list[str]) -> list[str]:
    """Return the list, or its first and last ten entries if it is long."""
    return names if len(names) <= 20 else [*names[:10], "...", *names[-10:]]


def _unused(graph: GraphDefinition) -> Iterator[tuple[Place, str]]:
    needed = find_reachable(graph)
    for i, item in enumerate(graph.inputs):
        if item.name not in needed:
            yield ("inputs", i), f"No output depends on input '{item.name}'; remove or use it."
    for i, node in enumerate(graph.nodes):
        if node.name not in needed:
            detail = f"No output depends on node '{node.name}'; remove it or make it an output."
            yield ("nodes", i), detail
