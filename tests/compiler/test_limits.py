"""The check of large graphs: bounded in what it unrolls, linear in what is written."""

import json
import random
import time
from collections.abc import Callable
from multiprocessing import get_context
from typing import Any

import pytest

from compiler.entrypoints import check_graph
from tests.compiler.graphs import graph, layer, nested, node

LSTM = layer("LSTM", units=1, unroll=True)


def checked(definition: Any, note: Any = None, **limits: int) -> dict[str, Any]:
    request = {"blueprint": {"definition": definition}, "limits": limits}
    said: dict[str, Any] = json.loads(check_graph(json.dumps(request), note))
    return said


def recurrent(shape: list[int | None], wrapped: Any) -> Any:
    return graph({"x": shape}, [node("n", wrapped, "x")], ["n"])


@pytest.mark.parametrize(
    ("wrapped", "shape", "steps"),
    [
        (LSTM, [50, 2], 50),
        (layer("Bidirectional", layer=LSTM), [50, 2], 100),
        (layer("TimeDistributed", layer=LSTM), [3, 50, 2], 50),
    ],
)
def test_unrolled_steps_are_bounded(wrapped: Any, shape: list[int | None], steps: int) -> None:
    assert checked(recurrent(shape, wrapped), unrolled_steps=steps)["faults"] == []
    fault = checked(recurrent(shape, wrapped), unrolled_steps=steps - 1)["faults"][0]
    assert fault["pointer"] == "/nodes/0"
    assert f"{steps} unrolled steps; at most {steps - 1}" in fault["detail"]
    assert "MAX_CALLS" in fault["detail"]


def test_an_unknown_number_of_steps_cannot_be_unrolled() -> None:
    fault = checked(recurrent([None, 2], LSTM))["faults"][0]
    assert fault["pointer"] == "/nodes/0"
    assert "known number of steps" in fault["detail"]


def test_the_note_tells_the_node_at_which_a_check_ended() -> None:
    note = get_context("forkserver").RawArray("c", 100)
    inner = graph({"y": [2]}, [node("d", layer("Dense", units=2), "y")], ["d"])
    definition = graph({"x": [2]}, [node("n", nested(inner), "x")], ["n"])
    with pytest.raises(MemoryError):
        checked(definition, _Stop(note))
    assert note.value == b"/nodes/0/layer/graph/nodes/0"


class _Stop:
    """A note that ends the check as soon as the inner node is entered."""

    def __init__(self, note: Any) -> None:
        self._note = note

    def __len__(self) -> int:
        return len(self._note)

    @property
    def value(self) -> bytes:
        return bytes(self._note.value)

    @value.setter
    def value(self, text: bytes) -> None:
        self._note.value = text
        if b"graph" in text:
            raise MemoryError


def chain(size: int) -> Any:
    dense = layer("Dense", units=2)
    nodes = [node(f"n{i}", dense, f"n{i - 1}" if i else "x") for i in range(size)]
    random.Random(size).shuffle(nodes)
    return graph({"x": [2]}, nodes, [f"n{size - 1}"])


def wide(size: int) -> Any:
    nodes = [node(f"n{i}", layer("Dense", units=2), "x") for i in range(size)]
    merged = node("all", layer("Concatenate"), [item["name"] for item in nodes])
    return graph({"x": [2]}, [*nodes, merged], ["all"])


def dense(size: int) -> Any:
    """Each node takes the fifty before it."""
    names = ["x", *(f"n{i}" for i in range(size))]
    nodes = [
        node(names[i], layer("Add"), names[max(0, i - 50) : i] if i > 1 else ["x", "x"])
        for i in range(1, size + 1)
    ]
    return graph({"x": [2]}, nodes, [names[-1]])


def shared(size: int) -> Any:
    nodes = [node(f"n{i}", "s", f"n{i - 1}" if i else "x") for i in range(size)]
    return graph({"x": [2]}, nodes, [nodes[-1]["name"]], s=layer("Dense", units=2))


def diamonds(size: int) -> Any:
    nodes = [node(f"n{i}", layer("Add"), [f"n{i - 1}" if i else "x"] * 2) for i in range(size)]
    return graph({"x": [2]}, nodes, [nodes[-1]["name"]])


def deep(size: int) -> Any:
    """Thirty-two graphs in one another, with nodes on each level."""
    definition = chain(size // 32)
    for _ in range(31):
        nodes = chain(size // 32 - 1)["nodes"]
        nodes.append(node("inner", nested(definition), f"n{size // 32 - 2}"))
        definition = graph({"x": [2]}, nodes, ["inner"])
    return definition


def seconds(shape: Callable[[int], Any], size: int) -> float:
    """The processor's, of the best of two checks."""
    taken = []
    for _ in range(2):
        began = time.process_time()
        assert checked(shape(size))["summary"] is not None
        taken.append(time.process_time() - began)
    return min(taken)


def test_a_chain_of_diamonds_has_more_paths_than_atoms_and_is_quick() -> None:
    assert seconds(diamonds, 300) < 3


@pytest.mark.slow
@pytest.mark.parametrize("shape", [chain, wide, dense, shared, diamonds, deep])
def test_cost_grows_as_the_graph_does(shape: Callable[[int], Any]) -> None:
    seconds(shape, 64)
    assert seconds(shape, 2_048) < 2 * 4 * seconds(shape, 512)
