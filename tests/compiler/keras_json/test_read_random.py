"""Random graphs that are built by Keras and read from its JSON predict the same."""

import json
from typing import Any

import hypothesis
import keras
import pytest
from hypothesis import assume, given, note, settings

from compiler.keras_json.roundtrip import roundtrip_faults
from domain.graph.language import Blueprint, GraphDefinition
from tests.compiler.keras_json.restored import assert_comes_back
from tests.compiler.random_graphs.data import arrays_for, randomize
from tests.compiler.random_graphs.drawing import definitions
from tests.compiler.random_graphs.reference.script import script_of

SEED = 7


@pytest.mark.slow
def test_a_few_random_graphs_are_read_back() -> None:
    _check(graphs=8, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 4))
def test_random_graphs_are_read_back(seed: int) -> None:
    _check(graphs=60, seed=seed)


def _check(graphs: int, seed: int) -> None:
    @hypothesis.seed(seed)
    @settings(max_examples=graphs, deadline=None, database=None)
    @given(definitions())
    def check_one(definition: dict[str, Any]) -> None:
        note(json.dumps(definition))
        keras.utils.clear_session(free_memory=False)
        blueprint = Blueprint(definition=GraphDefinition.model_validate(definition))
        assume(
            not any(roundtrip_faults(blueprint, ()))
        )  # otherwise Keras's JSON describes another model
        script = script_of(definition, SEED)
        assume(not script.constants)  # Keras has no JSON for a constant `training`
        randomize(script.variables)
        assert_comes_back(script.model, arrays_for(definition["inputs"]))

    check_one()
