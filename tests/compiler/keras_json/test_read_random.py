"""Random graphs, built by calling Keras, read from Keras's own JSON: equal predictions."""

import json
from typing import Any

import hypothesis
import keras
import pytest
from hypothesis import assume, given, note, settings

from compiler.keras_json.roundtrip import roundtrip_faults
from domain.graph.language import Blueprint, GraphDefinition
from tests.compiler.keras_json.restored import comes_back
from tests.compiler.random_graphs.data import arrays_for, randomize
from tests.compiler.random_graphs.drawing import definitions
from tests.compiler.random_graphs.reference.script import script_of

SEED = 7


def test_a_few_random_graphs_come_back() -> None:
    _read(graphs=8, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 4))
def test_random_graphs_come_back(seed: int) -> None:
    _read(graphs=60, seed=seed)


def _read(graphs: int, seed: int) -> None:
    @hypothesis.seed(seed)
    @settings(max_examples=graphs, deadline=None, database=None)
    @given(definitions())
    def comes(definition: dict[str, Any]) -> None:
        note(json.dumps(definition))
        keras.utils.clear_session(free_memory=False)
        blueprint = Blueprint(definition=GraphDefinition.model_validate(definition))
        assume(not any(roundtrip_faults(blueprint, ())))  # else Keras's JSON is another model's
        script = script_of(definition, SEED)
        assume(not script.constants)  # what holds a constant `training` has no JSON
        randomize(script.variables)
        comes_back(script.model, arrays_for(definition["inputs"]))

    comes()
