"""The described arguments of a call are those that the call takes."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from compiler.catalogue.descriptions.call_schema import describe_call
from compiler.catalogue.layers import CATALOGUE
from compiler.entrypoints import check_graph
from compiler.model import rnn_states
from tests.compiler.graphs import layer, node
from tests.compiler.layer_cases import CASES, Case, Shape

MORE = {
    "Attention": Case({}, {"inputs": [(5, 8), (5, 8)], "mask": [(5,), (5,)]}),
    "LSTM": Case({"units": 4}, {"sequences": (7, 3), "initial_state": [(4,), (4,)]}),
    "Bidirectional": Case(
        {"layer": layer("GRU", units=4)},
        {"sequences": (7, 3), "initial_state": [(4,), (4,)]},
    ),
}


def describe(kind: str) -> dict[str, dict[str, Any]]:
    return {item.name: item.model_dump() for item in describe_call(CATALOGUE[kind].cls)}


def name_inputs(kind: str, case: Case) -> dict[str, Shape | list[Shape]]:
    return (
        case.inputs if isinstance(case.inputs, dict) else {next(iter(describe(kind))): case.inputs}
    )


def is_taken(kind: str, case: Case, inputs: Mapping[str, Shape | list[Shape]]) -> bool:
    shapes: list[Shape] = []

    def put(shape: Shape) -> str:
        shapes.append(shape)
        return f"x{len(shapes)}"

    references = Case({}, dict(inputs)).fill(put)
    tensors = [
        {"name": f"x{i}", "shape": shape, "dtype": case.dtype} for i, shape in enumerate(shapes, 1)
    ]
    definition = {
        "inputs": tensors,
        "nodes": [node("n", layer(kind, **case.config), references, **case.call)],
        "outputs": [{"name": "first", "from": "n:0"}],
    }
    found = json.loads(check_graph(json.dumps({"blueprint": {"definition": definition}})))["faults"]
    return all("single tensor" in fault["detail"] for fault in found)


LISTS = [
    (kind, case, argument)
    for kind, case in [*CASES.items(), *MORE.items()]
    for argument in name_inputs(kind, case)
    if describe(kind)[argument]["takes"] == "tensors"
]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "case", "argument"), LISTS)
def test_call_takes_lists_of_the_described_length(kind: str, case: Case, argument: str) -> None:
    inputs = name_inputs(kind, case)
    shapes = inputs[argument]
    assert isinstance(shapes, list)
    schema = describe(kind)[argument]["value_schema"]
    validator = Draft202012Validator(schema)
    for count in range(1, schema.get("maxItems", 2) + 2):
        given = [shapes[min(i, len(shapes) - 1)] for i in range(count)]
        fits = argument not in rnn_states.ARGUMENTS or count == len(
            shapes
        )  # the config tells how many
        taken = is_taken(kind, case, {**inputs, argument: given})
        assert taken == (fits and validator.is_valid(["x"] * count)), count


@pytest.mark.parametrize("kind", CASES)
def test_every_case_fits_the_described_call(kind: str) -> None:
    arguments, case = describe(kind), CASES[kind]
    filled = Case({}, dict(name_inputs(kind, case))).fill(lambda _: "x")
    for name, value in filled.items():
        assert arguments[name]["field"] == "inputs"
        Draft202012Validator(arguments[name]["value_schema"]).validate(value)
    for name, value in case.call.items():
        assert arguments[name]["field"] == "call"
        Draft202012Validator(arguments[name]["value_schema"]).validate(value)
    assert all(item["description"] for item in arguments.values())
