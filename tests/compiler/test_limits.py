"""The check of large graphs limits unrolled steps, and takes time linear in the document."""

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


def check_json(definition: Any, note: Any = None, **limits: int) -> dict[str, Any]:
    request = {"blueprint": {"definition": definition}, "limits": limits}
    result: dict[str, Any] = json.loads(check_graph(json.dumps(request), note))
    return result


def make_recurrent(shape: list[int | None], wrapped: Any) -> Any:
    return graph({"x": shape}, [node("n", wrapped, "x")], ["n"])


@pytest.mark.parametrize(
    ("wrapped", "shape", "steps"),
    [
        (LSTM, [50, 2], 50),
        (layer("Bidirectional", layer=LSTM), [50, 2], 100),
        (layer("TimeDistributed", layer=LSTM), [3, 50, 2], 50),
    ],
)
def test_unrolled_steps_are_limited(wrapped: Any, shape: list[int | None], steps: int) -> None:
    assert check_json(make_recurrent(shape, wrapped), unrolled_steps=steps)["faults"] == []
    fault = check_json(make_recurrent(shape, wrapped), unrolled_steps=steps - 1)["faults"][0]
    assert fault["pointer"] == "/nodes/0"
    assert f"{steps} unrolled steps; at most {steps - 1}" in fault["detail"]
    assert "MAX_CALLS" in fault["detail"]


def test_unknown_number_of_steps_cannot_be_unrolled() -> None:
    fault = check_json(make_recurrent([None, 2], LSTM))["faults"][0]
    assert fault["pointer"] == "/nodes/0"
    assert "known number of steps" in fault["detail"]


def test_note_contains_the_node_at_which_a_check_ended() -> None:
    note = get_context("forkserver").RawArray("c", 100)
    inner = graph({"y": [2]}, [node("d", layer("Dense", units=2), "y")], ["d"])
    definition = graph({"x": [2]}, [node("n", nested(inner), "x")], ["n"])
    with pytest.raises(MemoryError):
        check_json(definition, _Stop(note))
    assert note.value == b"/nodes/0/layer/graph/nodes/0"


class _Stop:
    """A note that raises MemoryError when the check starts the inner node."""

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
    """Return a graph in which each node takes the fifty nodes before it."""
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
    """Return thirty-two nested graphs, with nodes on each level."""
    definition = chain(size // 32)
    for _ in range(31):
        nodes = chain(size // 32 - 1)["nodes"]
        nodes.append(node("inner", nested(definition), f"n{size // 32 - 2}"))
        definition = graph({"x": [2]}, nodes, ["inner"])
    return definition


def measure_seconds(shape: Callable[[int], Any], size: int) -> float:
    """Return the CPU seconds of the faster of two checks."""
    taken = []
    for _ in range(2):
        began = time.process_time()
        assert check_json(shape(size))["summary"] is not None
        taken.append(time.process_time() - began)
    return min(taken)


@pytest.mark.slow
def test_chain_of_diamonds_is_checked_in_seconds() -> None:
    assert measure_seconds(diamonds, 300) < 3


@pytest.mark.slow
@pytest.mark.parametrize("shape", [chain, wide, dense, shared, diamonds, deep])
def test_check_takes_time_linear_in_the_graph(shape: Callable[[int], Any]) -> None:
    measure_seconds(shape, 64)
    assert measure_seconds(shape, 2_048) < 2 * 4 * measure_seconds(shape, 512)
