"""A document that exceeds a limit is refused before anything is built from it."""

import json
import time
from itertools import pairwise
from typing import Any

import pytest

from compiler.entrypoints import check_graph, read_keras_json
from domain.errors import MOST_FAULTS
from domain.graph.keras_json import ReadResult
from domain.graph.limits import Limits
from tests.conftest import Counter

INPUT = {"class_name": "InputLayer", "config": {"batch_shape": [None, 1]}, "name": "x"}
LIMITS = Limits(nodes=50, layers=60, depth=3, calls=40)


def dense(name: str, **about: Any) -> Any:
    return {"class_name": "Dense", "config": {"units": 1, "name": name}, "name": name, **about}


def functional(layers: list[Any], outputs: Any) -> Any:
    config = {"layers": layers, "input_layers": ["x", 0, 0], "output_layers": outputs}
    return {"class_name": "Functional", "config": config}


def sequential(layers: list[Any]) -> Any:
    config = {"name": "s", "layers": layers, "build_input_shape": [None, 1]}
    return {"class_name": "Sequential", "config": config}


def calls(count: int) -> Any:
    nodes = [[[("x" if i == 0 else "d"), max(0, i - 1), 0]] for i in range(count)]
    return functional([INPUT, dense("d", inbound_nodes=nodes)], ["d", count - 1, 0])


def chain(count: int) -> Any:
    names = ["x", *(f"d{i}" for i in range(count))]
    pairs = pairwise(names)
    listed = [dense(to, inbound_nodes=[[[given, 0, 0, {}]]]) for given, to in pairs]
    return functional([INPUT, *listed], [names[-1], 0, 0])


def nested(depth: int) -> Any:
    spec: Any = dense("d")
    for _ in range(depth):
        spec = sequential([spec])
    return spec


def find_fault(document: Any, limits: Limits) -> tuple[str, str]:
    (found,) = ReadResult.model_validate_json(read_keras_json(json.dumps(document), limits)).faults
    return found.pointer, found.detail


@pytest.mark.parametrize(
    ("document", "pointer", "words"),
    [
        (calls(41), "/config/layers/1/inbound_nodes", "at most 40 (MAX_CALLS)"),
        (
            calls(51),
            "/config/layers/1/inbound_nodes",
            "(MAX_NODES); here are at least 51",
        ),
        (chain(51), "/inbound_nodes", "(MAX_CALLS); here are at least 41"),
        (sequential([dense("d")] * 45), "/config/layers", "at most 40 (MAX_CALLS)"),
        (functional([{}] * 61, []), "/config/layers", "at most 60 layers"),
        (functional([INPUT] * 51, []), "/config/layers", "at most 50 inputs"),
        (functional([INPUT], [["x", 0, 0]] * 51), "/config/output_layers", "There are 51 tensors"),
        (nested(4), "/config/layers/0/config/layers/0/config/layers/0", "at most 3 deep"),
    ],
)
def test_fault_names_the_limit_the_value_and_the_place(
    document: Any, pointer: str, words: str
) -> None:
    where, detail = find_fault(document, LIMITS)
    assert where.endswith(pointer)
    assert words in detail


def test_documents_within_the_limits_are_read() -> None:
    for document in (calls(40), chain(40), nested(3)):
        assert (
            ReadResult.model_validate_json(read_keras_json(json.dumps(document), LIMITS)).faults
            == []
        )


@pytest.mark.parametrize(
    ("within", "beyond"),
    [
        (calls(5_000), calls(30_000)),
        (sequential([dense("d")] * 2_500), sequential([dense("d")] * 9_000)),
    ],
)
def test_excess_costs_no_more_than_what_is_read(within: Any, beyond: Any) -> None:
    read, reading = measure_reading(within)
    refused, refusing = measure_reading(beyond)
    assert "MAX_NODES" not in read
    assert "MAX_NODES" in refused
    assert refusing < 3 * reading


def measure_reading(document: Any) -> tuple[str, float]:
    """Reads a document; returns the result and the seconds of processor time."""
    text = json.dumps(document)
    began = time.process_time()
    result = read_keras_json(text)
    return result, time.process_time() - began


@pytest.mark.parametrize("name", ["input_layers", "output_layers"])
@pytest.mark.parametrize("value", [[], {}, [[]]])
def test_model_without_inputs_or_outputs_is_refused(name: str, value: Any) -> None:
    document = chain(2)
    document["config"][name] = value
    where, detail = find_fault(document, LIMITS)
    assert where == f"/config/{name}"
    assert detail.startswith("A model needs at least one tensor here")


def test_fault_points_to_the_object_that_lacks_an_argument() -> None:
    document = chain(1)
    del document["config"]["layers"][1]["config"]["units"]
    where, detail = find_fault(document, LIMITS)
    assert where == "/config/layers/1/config"
    assert "units" in detail


@pytest.mark.parametrize(
    "document",
    [
        sequential([{**dense("d"), "class_name": "Dence"}] * 4_000),
        sequential([{"class_name": "Dense", "config": {f"wrong{i}": i for i in range(4_000)}}]),
        functional([INPUT, *[dense(f"d{i}", inbound_nodes=3) for i in range(4_000)]], []),
    ],
)
def test_the_reading_of_many_wrong_layers_ends_at_a_hundred_faults(
    document: Any, made_faults: Counter
) -> None:
    faults = ReadResult.model_validate_json(read_keras_json(json.dumps(document))).faults
    assert 0 < len(faults) <= MOST_FAULTS
    assert made_faults.count <= 3 * MOST_FAULTS


def test_a_graph_with_many_wrong_nodes_has_a_hundred_faults(made_faults: Counter) -> None:
    nodes = [{"name": f"n{i}", "op": "nothing", "inputs": ["x"]} for i in range(4_000)]
    definition = {"inputs": [{"name": "x", "shape": [1]}], "nodes": nodes, "outputs": ["n0"]}
    result = json.loads(check_graph(json.dumps({"blueprint": {"definition": definition}})))
    assert len(result["faults"]) == MOST_FAULTS
    assert made_faults.count == MOST_FAULTS
