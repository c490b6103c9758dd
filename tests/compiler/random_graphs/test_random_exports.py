"""Random graphs as Keras's own JSON: Keras loads the same model, or the export is refused."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from compiler.entrypoints import write_keras_json
from compiler.model.build import BuiltModel, build
from domain.graph.keras_json import WriteResult
from domain.graph.language import Blueprint, GraphDefinition
from tests.compiler.random_graphs.data import arrays_for
from tests.compiler.random_graphs.every import every_graph
from tests.compiler.random_graphs.layers.kinds import Config
from tests.compiler.random_graphs.reference.script import Script, script_of

SEED = 7
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:keras")


@pytest.mark.slow
def test_a_few_random_graphs_survive_export(tmp_path: Path) -> None:
    every_graph(lambda graph: _same_or_refused(graph, tmp_path), graphs=6, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 5))
def test_random_graphs_survive_export(seed: int, tmp_path: Path) -> None:
    lossy = set()
    every_graph(lambda graph: lossy.add(_same_or_refused(graph, tmp_path)), graphs=50, seed=seed)
    assert lossy == {True, False}  # both are drawn


def _same_or_refused(definition: Config, folder: Path) -> bool:
    """Check one graph; return whether it is refused because Keras's JSON cannot express it."""
    blueprint = Blueprint(definition=GraphDefinition.model_validate(definition))
    exported = WriteResult.model_validate_json(write_keras_json(blueprint.model_dump_json()))
    script = script_of(definition, SEED)
    is_lossy = _crosses_a_border(script) or any(c.training for c in script.constants)
    assert bool(exported.faults) == is_lossy, exported.faults
    if is_lossy:
        for fault in exported.faults:
            assert fault.pointer.startswith("/definition/")
            _at(fault.pointer, {"definition": definition})
    else:
        _loads_as(exported, build(blueprint, SEED), definition, folder / "model.weights.h5")
    return is_lossy


def _crosses_a_border(script: Script) -> bool:
    """Return whether two models, wrappers or calls with constant `training` share a layer."""
    holders = [script.model, *script.made, *script.constants]
    by_layer: dict[int, set[int]] = {}
    for holder in holders:
        for layer in holder._flatten_layers(include_self=False, recursive=False):
            by_layer.setdefault(id(layer), set()).add(id(holder))
    return any(len(by) > 1 for by in by_layer.values())


def _at(pointer: str, body: Any) -> Any:
    """Return the value at a JSON Pointer; fail if there is none."""
    for token in pointer.split("/")[1:]:
        body = body[int(token) if isinstance(body, list) else token]
    return body


def _loads_as(exported: WriteResult, built: BuiltModel, definition: Any, weights: Path) -> None:
    reloaded = keras.models.model_from_json(json.dumps(exported.keras_json))
    assert reloaded.count_params() == built.model.count_params()
    built.model.save_weights(weights)
    reloaded.load_weights(weights)
    data = arrays_for(definition["inputs"])
    wanted, got = built.model(data, training=False), reloaded(data, training=False)
    assert list(got) == list(built.outputs)
    for name in wanted:
        np.testing.assert_array_equal(got[name], wanted[name], err_msg=name)
