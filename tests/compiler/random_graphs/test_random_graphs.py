"""Random graphs, each built by the compiler and by calls of Keras."""

from typing import Any

import numpy as np
import pytest

from compiler.entrypoints import check_graph
from compiler.model.build import BuiltModel, build
from compiler.model.weights import assign, copy_arrays
from compiler.summary import summarize
from domain.check import CheckRequest, CheckResult
from domain.graph.language import Blueprint, GraphDefinition
from domain.graph.rules import find_graph_faults
from domain.graph.summary import Summary
from tests.compiler.random_graphs.data import arrays_for, randomize
from tests.compiler.random_graphs.every import every_graph
from tests.compiler.random_graphs.reference.script import Script, script_of

SEED = 7
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:keras")


@pytest.mark.slow
def test_a_few_random_graphs_equal_keras() -> None:
    every_graph(_equal_in_all, graphs=20, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 13))
def test_random_graphs_equal_keras(seed: int) -> None:
    every_graph(_equal_in_all, graphs=50, seed=seed)


def _equal_in_all(definition: dict[str, Any]) -> None:
    graph = GraphDefinition.model_validate(definition)
    assert find_graph_faults(graph) == []
    blueprint = Blueprint(definition=graph)
    request = CheckRequest(blueprint=blueprint).model_dump_json()
    checked = CheckResult.model_validate_json(check_graph(request))
    assert checked.faults == [], checked.faults
    script = script_of(definition, SEED)
    built = build(blueprint, SEED)
    assert checked.summary == summarize(built)
    _same_summary(checked.summary, script)
    _same_variables(built, script)
    data = arrays_for(definition["inputs"])
    _same_predictions(built, script, data)
    randomize([*built.variables.values()], script.variables)
    _same_predictions(built, script, data)
    if len(graph.nodes) <= 3:
        _survives_saving(built, data)


def _same_summary(summary: Summary, script: Script) -> None:
    outputs = [(n, [*t.shape], t.dtype) for n, t in script.outputs.items()]
    assert [(t.name, t.shape, t.dtype) for t in summary.outputs] == outputs
    for node in summary.nodes:
        shapes = [[*t.shape] for t in script.tensors[node.name]]
        assert node.shape == (shapes[0] if len(shapes) == 1 else shapes)
        layer = script.layers[node.name]
        assert node.parameters == (layer.count_params() if layer else 0)
    model = script.model
    groups = (model.weights, model.trainable_weights, model.non_trainable_weights)
    counts = [sum(int(np.prod(w.shape)) for w in group) for group in groups]
    parameters = summary.parameters
    assert [parameters.total, parameters.trainable, parameters.non_trainable] == counts


def _same_variables(built: BuiltModel, script: Script) -> None:
    """Check that the initial weights equal those of the script bit for bit."""
    ours, theirs = [*built.variables.values()], script.variables
    assert len(ours) == len(theirs)
    for (key, variable), other in zip(built.variables.items(), theirs, strict=True):
        np.testing.assert_array_equal(variable, other, err_msg=key)


def _same_predictions(built: BuiltModel, script: Script, data: list[Any]) -> None:
    ours = built.model(data, training=False)
    theirs = script.model(data, training=False)
    assert list(built.outputs) == list(script.outputs)
    for name in script.outputs:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


def _survives_saving(built: BuiltModel, data: list[Any]) -> None:
    again = build(built.blueprint, SEED + 1)
    assign(again, copy_arrays(built))
    wanted, got = built.model(data, training=False), again.model(data, training=False)
    for name in wanted:
        np.testing.assert_array_equal(got[name], wanted[name], err_msg=name)
