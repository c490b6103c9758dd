"""The order in which nodes are called: topological, ties by position in the document."""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from itertools import dropwhile

from domain.graph.language import GraphDefinition, Node, Reference


def ordered(definition: GraphDefinition) -> list[Node]:
    """Every node after all it refers to; a cycle's nodes are left out.

    One pass over nodes and references (Kahn's algorithm, a heap of positions).
    """
    needs, wanted_by = _edges(definition)
    ready = [position for position, count in enumerate(needs) if count == 0]
    heapify(ready)
    order: list[Node] = []
    while ready:
        position = heappop(ready)
        order.append(definition.nodes[position])
        for later in wanted_by[position]:
            needs[later] -= 1
            if needs[later] == 0:
                heappush(ready, later)
    return order


def _edges(definition: GraphDefinition) -> tuple[list[int], list[list[int]]]:
    """How many nodes each node waits for, and which nodes wait for it."""
    positions = {node.name: i for i, node in enumerate(definition.nodes)}
    needs = [0] * len(definition.nodes)
    wanted_by: list[list[int]] = [[] for _ in definition.nodes]
    for i, node in enumerate(definition.nodes):
        targets = {Reference.parse(text).target for _, text in node.references()}
        for target in targets & positions.keys():
            needs[i] += 1
            wanted_by[positions[target]].append(i)
    return needs, wanted_by


def reachable(definition: GraphDefinition) -> set[str]:
    """The names of all nodes and inputs that lead to an output."""
    by_name = {node.name: node for node in definition.nodes}
    waiting = [Reference.parse(text).target for _, text in definition.named_outputs()]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in by_name:
            references = by_name[name].references()
            waiting.extend(Reference.parse(text).target for _, text in references)
    return seen


def cycle(definition: GraphDefinition, called: Sequence[Node]) -> list[str]:
    """The names along one cycle among the nodes that `ordered` left out."""
    done = {node.name for node in called}
    left = {node.name: node for node in definition.nodes if node.name not in done}
    path: dict[str, None] = {}
    name = next(iter(left))
    while name not in path:
        path[name] = None
        targets = (Reference.parse(text).target for _, text in left[name].references())
        name = next(target for target in targets if target in left)
    return list(dropwhile(lambda other: other != name, path))
