"""The cost of checking a graph as it grows, against Keras's own loader.

A running service checks chains of dense layers whose nodes are in random order
(`POST /v1/graphs?validate_only=true`). `keras.models.model_from_json` loads the same chains as
Keras's JSON; it makes the weights too. The fastest round counts. The check is linear if the seconds
of a node are equal for every length; the goal is 5 s for 2,000 nodes.
"""

import json
import random
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import keras

from benchmarks.table import show
from compiler.model.build import deep_stack
from tests.support.service import Service, until

SIZES = (250, 500, 1_000, 2_000)
GOAL_SECONDS = 5
CHECKS = count()


def make_chain(size: int) -> dict[str, Any]:
    """Make a chain of `size` dense layers, whose nodes are in random order."""
    nodes = [
        {
            "name": f"n{i}",
            "layer": {"type": "Dense", "config": {"units": 2}},
            "inputs": f"n{i - 1}" if i else "x",
        }
        for i in range(size)
    ]
    random.Random(size).shuffle(nodes)
    inputs = [{"name": "x", "shape": [2]}]
    return {"inputs": inputs, "nodes": nodes, "outputs": [f"n{size - 1}"]}


def make_keras_json(size: int) -> str:
    """Make Keras's JSON of the same chain."""
    tensor = inputs = keras.Input((2,), name="x")
    for i in range(size):
        tensor = keras.layers.Dense(2, name=f"n{i}")(tensor)
    with deep_stack():
        document = json.loads(keras.Model(inputs, tensor).to_json())
    random.Random(size).shuffle(document["config"]["layers"])
    return json.dumps(document)


def measure_check(service: Service, size: int) -> float:
    """Return the seconds of one check; the input's name differs, so that nothing is known of it."""
    definition = make_chain(size)
    name = f"x{next(CHECKS)}"
    first = next(node for node in definition["nodes"] if node["inputs"] == "x")
    first["inputs"] = definition["inputs"][0]["name"] = name
    body = {"definition": definition}
    began = time.perf_counter()
    answer = service.client.post("/v1/graphs?validate_only=true", json=body)
    seconds = time.perf_counter() - began
    assert answer.status_code == 200, answer.text
    return seconds


def measure_load(text: str) -> float:
    """Return the seconds of one `model_from_json`; NaN if it exceeds the recursion limit."""
    keras.backend.clear_session()
    began = time.perf_counter()
    try:
        keras.models.model_from_json(text)
    except RecursionError:
        return float("nan")
    return time.perf_counter() - began


def measure_fastest(run: Callable[[int], float], size: int, rounds: int) -> float:
    """Return the seconds of the fastest round."""
    return min(run(size) for _ in range(rounds))


def main(rounds: int = 3) -> None:
    """Print the table and one line of JSON."""
    texts = {size: make_keras_json(size) for size in SIZES}
    with tempfile.TemporaryDirectory() as name:
        service = Service(Path(name))
        try:
            until(lambda: True if measure_check(service, 1) < 1 else None, "the checker")
            checks = {
                n: measure_fastest(lambda n: measure_check(service, n), n, rounds) for n in SIZES
            }
        finally:
            service.stop()
    loads = {n: measure_fastest(lambda n: measure_load(texts[n]), n, rounds) for n in SIZES}
    rows = [row for n in SIZES for row in _rows(n, checks[n], loads[n])]
    show("check of a chain, nodes in random order", rows)
    growth = (checks[SIZES[-1]] / SIZES[-1]) / (checks[SIZES[0]] / SIZES[0])
    result = {"seconds": round(checks[SIZES[-1]], 2), "goal": GOAL_SECONDS}
    print(json.dumps({"check_cost": result | {"growth_of_a_node": round(growth, 2)}}))


def _rows(nodes: int, check: float, load: float) -> list[tuple[str, float]]:
    return [
        (f"{nodes:,} nodes: check, seconds", check),
        (f"{nodes:,} nodes: check, ms a node", 1000 * check / nodes),
        (f"{nodes:,} nodes: model_from_json, seconds", load),
        (f"{nodes:,} nodes: ratio", check / load),
    ]


if __name__ == "__main__":
    main()
