"""Orders nodes topologically; nodes that may come in any order keep that of the document."""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from itertools import dropwhile

from domain.graph.language import GraphDefinition, Node, Reference


def order_nodes(definition: GraphDefinition) -> list[Node]:
    """Return the nodes, each after the nodes that it refers to.

    Nodes that are in a cycle, or depend on one, are left out. The algorithm is Kahn's with a heap
    of positions; it passes once over nodes and references.
    """
    counts, users = _find_edges(definition)
    ready = [position for position, count in enumerate(counts) if count == 0]
    heapify(ready)
    order: list[Node] = []
    while ready:
        position = heappop(ready)
        order.append(definition.nodes[position])
        for later in users[position]:
            counts[later] -= 1
            if counts[later] == 0:
                heappush(ready, later)
    return order


def _find_edges(definition: GraphDefinition) -> tuple[list[int], list[list[int]]]:
    """Return each node's number of nodes that it refers to, and the positions of its users."""
    positions = {node.name: i for i, node in enumerate(definition.nodes)}
    counts = [0] * len(definition.nodes)
    users: list[list[int]] = [[] for _ in definition.nodes]
    for i, node in enumerate(definition.nodes):
        targets = {Reference.parse(text).target for _, text in node.references()}
        for target in targets & positions.keys():
            counts[i] += 1
            users[positions[target]].append(i)
    return counts, users


def find_reachable(definition: GraphDefinition) -> set[str]:
    """Return the names of all nodes and inputs that an output depends on."""
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


def find_cycle(definition: GraphDefinition, called: Sequence[Node]) -> list[str]:
    """Return the names along one cycle among the nodes that `order_nodes` left out."""
    done = {node.name for node in called}
    left = {node.name: node for node in definition.nodes if node.name not in done}
    path: dict[str, None] = {}
    name = next(iter(left))
    while name not in path:
        path[name] = None
        targets = (Reference.parse(text).target for _, text in left[name].references())
        name = next(target for target in targets if target in left)
    return list(dropwhile(lambda other: other != name, path))
