"""What the check of a graph costs as it grows, beside Keras's own loader.

Chains of dense layers, their nodes in a random order, go through a service that is up
(`POST /v1/graphs?validate_only=true`); the same chain, in Keras's JSON, goes through
`keras.models.model_from_json`, which also makes the weights. The fastest of the rounds counts.
Ours is linear when the seconds a node are the same for every length; the goal is 5 s at 2,000.
"""

import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from benchmarks.table import show
from compiler.model.build import deep_stack
from tests.support.service import Service, until

SIZES = (250, 500, 1_000, 2_000)
GOAL_SECONDS = 5


def chain(size: int) -> dict[str, Any]:
    """`size` dense layers in a row; the document names them in any order."""
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


def keras_chain(size: int) -> str:
    """The same chain as Keras writes it."""
    tensor = inputs = keras.Input((2,), name="x")
    for i in range(size):
        tensor = keras.layers.Dense(2, name=f"n{i}")(tensor)
    with deep_stack():
        document = json.loads(keras.Model(inputs, tensor).to_json())
    random.Random(size).shuffle(document["config"]["layers"])
    return json.dumps(document)


def ours(service: Service, size: int) -> float:
    """Seconds of one check."""
    body = {"definition": chain(size)}
    began = time.perf_counter()
    answer = service.client.post("/v1/graphs?validate_only=true", json=body)
    seconds = time.perf_counter() - began
    assert answer.status_code == 200, answer.text
    return seconds


def theirs(text: str) -> float:
    """Seconds of one `model_from_json`; NaN where it fails."""
    keras.backend.clear_session()
    began = time.perf_counter()
    try:
        keras.models.model_from_json(text)
    except RecursionError:
        return float("nan")
    return time.perf_counter() - began


def fastest(run: Callable[[int], float], size: int, rounds: int) -> float:
    """Seconds of the best round."""
    return min(run(size) for _ in range(rounds))


def main(rounds: int = 3) -> None:
    """Prints the table and one line of JSON."""
    texts = {size: keras_chain(size) for size in SIZES}
    with tempfile.TemporaryDirectory() as name:
        service = Service(Path(name))
        try:
            until(lambda: True if ours(service, 1) < 1 else None, "the checker")
            checks = {n: fastest(lambda n: ours(service, n), n, rounds) for n in SIZES}
        finally:
            service.stop()
    loads = {n: fastest(lambda n: theirs(texts[n]), n, rounds) for n in SIZES}
    rows = [row for n in SIZES for row in _rows(n, checks[n], loads[n])]
    show("check of a chain, nodes in any order", rows)
    growth = (checks[SIZES[-1]] / SIZES[-1]) / (checks[SIZES[0]] / SIZES[0])
    told = {"seconds": round(checks[SIZES[-1]], 2), "goal": GOAL_SECONDS}
    print(json.dumps({"check_cost": told | {"growth_of_a_node": round(growth, 2)}}))


def _rows(nodes: int, check: float, load: float) -> list[tuple[str, float]]:
    return [
        (f"{nodes:,} nodes: check, seconds", check),
        (f"{nodes:,} nodes: check, ms a node", 1000 * check / nodes),
        (f"{nodes:,} nodes: model_from_json, seconds", load),
        (f"{nodes:,} nodes: ratio", check / load),
    ]


if __name__ == "__main__":
    main()
