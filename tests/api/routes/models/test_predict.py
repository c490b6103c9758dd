"""Predictions in both formats, by both engines, and with invalid values."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from application.prediction.predictor import Predictor
from domain.errors import StorageFull
from models_store.files.cache import Cache, Download
from tests.api.requests import faults, graph, made
from tests.api.routes.models.test_models import built
from tests.support.api_server import Server

TWO = {
    "inputs": [
        {"name": "words", "shape": [3], "dtype": "int32"},
        {"name": "extra", "shape": [1]},
    ],
    "nodes": [
        {
            "name": "e",
            "layer": {"type": "Embedding", "config": {"input_dim": 10, "output_dim": 2}},
            "inputs": "words",
        },
        {"name": "f", "layer": {"type": "Flatten"}, "inputs": "e"},
        {"name": "a", "layer": {"type": "Dense", "config": {"units": 2}}, "inputs": "f"},
        {"name": "b", "layer": {"type": "Concatenate"}, "inputs": ["a", "extra"]},
    ],
    "outputs": ["a", "b"],
}
X = [[0.5, 1.0, -2.0, 3], [1, 2, 3, 4]]


@pytest.fixture(scope="module")
def one(server: Server, worker: None) -> str:
    identifier: str = built(server, graph())["id"]
    return identifier


@pytest.fixture(scope="module")
def two(server: Server, worker: None) -> str:
    identifier: str = built(server, TWO)["id"]
    return identifier


def ask(server: Server, model: str, **body: Any) -> httpx.Response:
    return server.client.post(f"/v1/models/{model}:predict", json=body)


def engine(server: Server, model: str) -> str:
    return server.parts.predictor.load("local", model).engine.name


@pytest.mark.slow
def test_unknown_ids_take_no_memory(server: Server) -> None:
    before = dict(server.parts.predictor._locks)
    for number in range(3):
        faults(ask(server, f"model_{number:026}", instances=[[1]]), 404)
    assert server.parts.predictor._locks == before


def test_instances_and_inputs_give_the_same_outputs(server: Server, one: str) -> None:
    rows = made(ask(server, one, instances=X), 200)["predictions"]
    assert np.array(rows).shape == (2, 3)
    assert made(ask(server, one, inputs=X), 200) == {"outputs": rows}
    assert made(ask(server, one, inputs={"x": X}), 200) == {"outputs": rows}
    named = [{"x": row} for row in X]
    named_answer = ask(server, one, instances=named, signature_name="serving_default")
    assert made(named_answer, 200) == {"predictions": rows}
    assert made(ask(server, one, instances=X[1:]), 200)["predictions"] == rows[1:]


def test_several_inputs_and_outputs_are_given_by_name(server: Server, two: str) -> None:
    rows = [{"words": [1, 2, 3], "extra": [0.5]}, {"words": [9, 9, 0], "extra": 1.5}]
    by_row = made(ask(server, two, instances=rows), 200)["predictions"]
    assert [row["b"][2] for row in by_row] == [0.5, 1.5]
    columns = {"extra": [[0.5], [1.5]], "words": [[1, 2, 3], [9, 9, 0]]}
    by_column = made(ask(server, two, inputs=columns), 200)["outputs"]
    assert list(by_column) == ["a", "b"]
    assert by_column["a"] == [row["a"] for row in by_row]


def test_many_rows_are_predicted_in_a_child_with_the_same_engine(server: Server, one: str) -> None:
    many = np.random.default_rng(1).random((250, 4)).round(3).tolist()
    together = made(ask(server, one, instances=many), 200)["predictions"]
    assert engine(server, one) == "onnxruntime"
    singly = [made(ask(server, one, instances=[row]), 200)["predictions"][0] for row in many[::50]]
    assert np.allclose(together[::50], singly, atol=1e-6)
    assert together == made(ask(server, one, instances=many), 200)["predictions"]


def test_keras_predicts_a_model_that_onnx_cannot_express(server: Server, worker: None) -> None:
    """The model has the seed of `one`, so its weights and predictions are the same."""
    model = built(server, graph())["id"]
    cache = server.data / "predict-cache"
    cache.mkdir(exist_ok=True)
    (cache / f"{model}.onnx").touch()
    by_keras = made(ask(server, model, instances=X), 200)["predictions"]
    assert engine(server, model) == "keras"
    twin = built(server, graph())["id"]
    by_onnx = made(ask(server, twin, instances=X), 200)["predictions"]
    assert engine(server, twin) == "onnxruntime"
    assert np.allclose(by_keras, by_onnx, atol=1e-6)
    server.client.delete(f"/v1/models/{model}")
    assert not list(cache.glob(f"{model}*"))


def with_cache(server: Server, folder: Path, most_bytes: int) -> Predictor:
    parts = server.parts
    cache = Cache(folder, most_bytes, "PREDICT_CACHE_BYTES")
    return Predictor(parts.settings, parts.database, parts.artifacts, parts.checker, cache)


@pytest.mark.slow
def test_the_cache_of_exported_models_is_bounded(
    server: Server, one: str, two: str, tmp_path: Path
) -> None:
    for model in (one, two):
        with_cache(server, tmp_path, 10**9).load("local", model)
    files = list(tmp_path.iterdir())
    assert {file.name for file in files} == {f"{one}.onnx", f"{two}.onnx"}
    predictor = with_cache(server, tmp_path / "small", max(f.stat().st_size for f in files))
    engine = predictor.load("local", one).engine
    rows = {"x": np.array(X * 5, np.float32)}
    before = engine.run(rows, batch=3)
    predictor.load("local", two)
    assert [file.name for file in (tmp_path / "small").iterdir()] == [f"{two}.onnx"]
    again = engine.run(rows, batch=3)
    assert all(np.array_equal(before[name], again[name]) for name in before)
    assert [file.name for file in (tmp_path / "small").iterdir()] == [f"{one}.onnx"]


class CountingCache(Cache):
    """Counts how often a file is opened."""

    opened = 0

    @contextmanager
    def fetch(self, name: str, download: Callable[[], Download]) -> Iterator[Path]:
        self.opened += 1
        with super().fetch(name, download) as path:
            yield path


def test_the_first_prediction_opens_the_onnx_file_once(
    server: Server, one: str, tmp_path: Path
) -> None:
    cache = CountingCache(tmp_path, 10**9)
    parts = server.parts
    predictor = Predictor(parts.settings, parts.database, parts.artifacts, parts.checker, cache)
    assert predictor.load("local", one).engine.name == "onnxruntime"
    assert cache.opened == 1


def test_a_model_larger_than_the_cache_is_rejected(
    server: Server, one: str, tmp_path: Path
) -> None:
    with pytest.raises(StorageFull, match=r"may hold, 100 \(PREDICT_CACHE_BYTES\)"):
        with_cache(server, tmp_path / "cache", 100).load("local", one)
    assert not list((tmp_path / "cache").iterdir())
    assert not list((server.data / "artifacts" / "scratch").iterdir())


def test_predictions_that_are_not_finite_are_named(server: Server, worker: None) -> None:
    layer = {"type": "Rescaling", "config": {"scale": 1e30}}
    model = built(server, graph(layer))["id"]
    body = made(ask(server, model, instances=[[1, -1e30, 1e30, 0]]), 200)
    assert body["predictions"][0][1:3] == [None, None]
    assert body["non_finite"] == {
        "/predictions/0/1": "-Infinity",
        "/predictions/0/2": "Infinity",
    }


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({}, "", "Exactly one"),
        ({"instances": X, "inputs": X}, "", "Exactly one"),
        ({"instances": X, "more": 1}, "/more", "no such field"),
        ({"instances": X, "signature_name": "other"}, "/signature_name", "serving_default"),
        ({"instances": []}, "/instances", "Between 1 and 100000 rows"),
        ({"instances": 3}, "/instances", "list of rows"),
        ({"instances": [[1, 2, 3]]}, "/instances/0", "a list of 4"),
        ({"instances": [[1, 2, 3, 4], [1, 2, 3]]}, "/instances/1", "a list of 4"),
        ({"instances": [[1, 2, 3, "4"]]}, "/instances/0/3", "a number"),
        ({"instances": [[1, 2, None, 4]]}, "/instances/0/2", "a number"),
        ({"instances": [[1, 2, [3], 4]]}, "/instances/0/2", "a number"),
        ({"instances": [[1, 2, 3, 1e39]]}, "/instances/0/3", "too large for float32"),
        ({"instances": [[1, 2, 3, 10**30], [1, 2, 3, 10**40]]}, "/instances/1/3", "too large"),
        ({"instances": [{"x": [1, 2, 3, True], "z": 1}]}, "/instances/0/z", "no input 'z'"),
        ({"instances": [{"x": [1, 2, 3, 4]}, [1]]}, "/instances/1", "object"),
        ({"inputs": {"xx": X}}, "/inputs/xx", "Did you mean 'x'?"),
        ({"inputs": {"x": 3}}, "/inputs/x", "list"),
        ({"inputs": {"x": {"0": 1}}}, "/inputs/x", "list"),
        ({"inputs": [[1, 2, 3, {}]]}, "/inputs/0/3", "a number"),
    ],
)
def test_invalid_values_are_faults_at_their_pointers(
    server: Server, one: str, body: dict[str, Any], pointer: str, words: str
) -> None:
    answer = ask(server, one, **body)
    found = faults(answer)
    assert pointer in found, found
    assert words in found[pointer]
    assert words in answer.json()["error"]


@pytest.mark.parametrize(
    ("row", "pointer", "words"),
    [
        ({"words": [1, 2, 10], "extra": 1}, "/instances/0/words/2", "indices 0 to 9"),
        ({"words": [1, -1, 1], "extra": 1}, "/instances/0/words/1", "indices 0 to 9"),
        (
            {"words": [1, 2, 2**40], "extra": 1},
            "/instances/0/words/2",
            "hole number from -2147483648",
        ),
        (
            {"words": [1, 2, 10**30], "extra": 1},
            "/instances/0/words/2",
            "hole number from -2147483648",
        ),
        ({"words": [1, 2, 1.5], "extra": 1}, "/instances/0/words/2", "a whole number"),
        ({"words": [1, 2, 3]}, "/instances/0/extra", "missing"),
        ({"words": [1, 2, 3], "extra": [1, 2]}, "/instances/0/extra", "a list of 1"),
        ({"words": [1, 2, 3], "extra": None}, "/instances/0/extra", "a number"),
    ],
)
def test_invalid_rows_of_several_inputs_are_faults(
    server: Server, two: str, row: dict[str, Any], pointer: str, words: str
) -> None:
    found = faults(ask(server, two, instances=[row]))
    assert pointer in found, found
    assert words in found[pointer]


def test_columns_of_unequal_length_are_faults(server: Server, two: str) -> None:
    found = faults(ask(server, two, inputs={"words": [[1, 2, 3]], "extra": [1, 2]}))
    assert found == {"/inputs/extra": "This input has 2 rows; the first input has 1."}


def test_a_too_large_answer_is_rejected_before_the_prediction(server: Server, one: str) -> None:
    answer = ask(server, one, instances=[X[0]] * 5_001)
    assert "MAX_PREDICT_VALUES" in faults(answer, 422)["/instances"]
