"""A graph that is written as Keras's JSON is read to a graph of the same model."""

import json
import re

import pytest

from compiler.check import check
from compiler.keras_json.read import read
from compiler.keras_json.write import write
from compiler.model.size_limits import SizeCounter
from domain.check import CheckRequest
from domain.graph.language import Blueprint, GraphDefinition
from domain.graph.rules import find_graph_faults
from domain.graph.summary import Summary
from tests.compiler.graphs import MODEL, blueprint
from tests.compiler.keras_json.reload import write_graph
from tests.compiler.keras_json.test_write import DOCUMENTED, SHARED_ACROSS, SOUND, SOURCES

GRAPHS = SOUND | {name: DOCUMENTED[name] for name in DOCUMENTED.keys() - SHARED_ACROSS}


def summarize(given: Blueprint) -> Summary:
    request = CheckRequest(blueprint=given)
    answer = check(request, SizeCounter(request.limits))
    assert answer.summary is not None, answer.faults
    return answer.summary


def find_sources(name: str) -> dict[str, Blueprint]:
    if name in SOUND:
        return SOURCES if MODEL in str(SOUND[name]) else {}
    models = re.findall(r'"(model_\w{26})"', json.dumps(DOCUMENTED[name]))
    return dict.fromkeys(models, blueprint(DOCUMENTED["dense"]))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(GRAPHS))
def test_written_keras_json_is_read_to_the_same_graph(name: str) -> None:
    used = find_sources(name)
    result = write_graph(GRAPHS[name], used)
    reading = read(json.dumps(result.keras_json))
    assert reading.faults == []
    assert reading.definition is not None
    assert find_graph_faults(reading.definition) == []
    ours = summarize(blueprint(GRAPHS[name], used))
    theirs = summarize(Blueprint(definition=reading.definition))
    assert theirs.inputs == ours.inputs
    assert sorted(theirs.outputs, key=str) == sorted(ours.outputs, key=str)
    assert theirs.parameters == ours.parameters

    assert write_graph(reading.definition.model_dump(by_alias=True)).faults == []


def test_graph_with_constant_training_is_read_back_unchanged() -> None:
    inner = {
        "inputs": [{"name": "a", "shape": [3]}],
        "nodes": [
            {"name": name, "layer": {"type": "Dense", "config": {"units": 2}}, "inputs": "a"}
            for name in ("d", "e")
        ],
        "outputs": ["e", "d"],
    }
    still = {"training": False}
    lstm = {"units": 3, "return_state": True, "return_sequences": True}
    definition = GraphDefinition.model_validate(
        {
            "inputs": [{"name": "x", "shape": [5, 3]}],
            "nodes": [
                {"name": "bn", "layer": {"type": "BatchNormalization"}, "inputs": "x",
                 "call": still},
                {"name": "rnn", "layer": {"type": "LSTM", "config": lstm}, "inputs": "bn",
                 "call": still},
                {"name": "last", "layer": {"type": "LSTM", "config": {"units": 3}}, "call": still,
                 "inputs": {"sequences": "rnn:0", "initial_state": ["rnn:1", "rnn:2"]}},
                {"name": "inner", "layer": {"type": "Graph", "graph": inner}, "inputs": "last",
                 "call": still},
            ],
            "outputs": [{"name": "z", "from": "inner:d"}, {"name": "a", "from": "inner:e"}],
        }
    )  # fmt: skip
    text = json.dumps(write(Blueprint(definition=definition)).keras_json)
    found = read(text).definition
    assert found is not None
    assert found.model_dump(by_alias=True) == definition.model_dump(by_alias=True)
