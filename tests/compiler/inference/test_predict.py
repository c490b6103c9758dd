"""Predictions from a blueprint and stored weights."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from compiler.inference.predict import open_model
from compiler.model.build import BuiltModel
from compiler.model.weights import copy_arrays
from tests.compiler.graphs import build_graph, graph, layer, node

TWO = graph(
    {"a": [5, 3], "b": [2]},
    [
        node("encoded", "lstm", "a"),
        node("joined", layer("Concatenate"), ["encoded", "b"]),
        node("dropped", layer("Dropout", rate=0.5), "joined"),
        node("y", layer("Dense", units=4), "dropped"),
    ],
    ["y", "encoded"],
    lstm=layer("LSTM", units=3),
)


def store(made: BuiltModel, folder: Path) -> tuple[str, str]:
    """Store a model; return the arguments of `predict` that identify it."""
    path = folder / "model.safetensors"
    save_file(copy_arrays(made), path)
    return made.blueprint.model_dump_json(by_alias=True), str(path)


def make_rows(count: int) -> dict[str, Any]:
    random = np.random.default_rng(0)
    return {"b": random.random((count, 2)), "a": random.random((count, 5, 3))}


@pytest.mark.parametrize("batch", [1, 4, 100])
def test_predictions_equal_those_of_the_model(tmp_path: Path, batch: int) -> None:
    made = build_graph(TWO)
    given = make_rows(10)
    found = open_model(*store(made, tmp_path))(given, batch)

    wanted = made.model([given["a"], given["b"]], training=False)
    assert {*found} == {"y", "encoded"}
    for name, array in found.items():
        assert array.shape == wanted[name].shape
        assert np.allclose(array, wanted[name], atol=1e-6)


def test_prediction_of_no_rows_has_no_rows(tmp_path: Path) -> None:
    found = open_model(*store(build_graph(TWO), tmp_path))(make_rows(0), 8)

    assert found["y"].shape == (0, 4)


def test_a_missing_number_stays_one_through_an_activation(tmp_path: Path) -> None:
    hidden = layer("Dense", units=8, activation="relu")
    made = build_graph(graph({"x": [3]}, [node("y", hidden, "x")], ["y"]))
    rows = np.array([[0.5, np.nan, -1.0], [0.5, 0.25, -1.0]] * 8)
    found = open_model(*store(made, tmp_path))({"x": rows}, 16)

    assert np.isnan(found["y"][::2]).all()
    assert np.isfinite(found["y"][1::2]).all()
