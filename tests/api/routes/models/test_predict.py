"""Predictions in both formats, by both engines, and with invalid values."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from api.middleware.quick_predict import QUICK_BYTES
from api.routes.predict import FUNCTION
from application.prediction.pool import PredictionPool
from application.prediction.predictor import Predictor
from application.settings import Settings
from domain.errors import Invalid, StorageFull
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
    return server.parts.predictor.load("local", model).engine


@pytest.mark.slow
def test_unknown_ids_take_no_memory(server: Server) -> None:
    before = dict(server.parts.predictor._locks)
    for number in range(3):
        faults(ask(server, f"model_{number:026}", instances=[[1]]), 404)
    assert server.parts.predictor._locks == before


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ('{"instances": [1], "instances": [2]}', "/instances"),
        ('{"instances": [{"x": 1, "x": 2}]}', "/instances/0/x"),
    ],
)
def test_a_key_that_appears_twice_is_refused_at_its_place(
    server: Server, one: str, text: str, pointer: str
) -> None:
    json_type = {"Content-Type": "application/json"}
    path = f"/v1/models/{one}:predict"
    for _ in range(2):  # in a process, and on the event loop
        found = faults(server.client.post(path, content=text, headers=json_type))
        assert "appears twice" in found[pointer]


def test_a_body_that_is_not_json_has_the_error_field(server: Server, one: str) -> None:
    json_type = {"Content-Type": "application/json"}
    for _ in range(2):
        answer = server.client.post(f"/v1/models/{one}:predict", content=b"{", headers=json_type)
        faults(answer, 400)
        assert answer.json()["error"] == answer.json()["detail"]


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
    pool = PredictionPool(parts.settings, parts.metrics.count_child)
    return Predictor(parts.settings, parts.database, parts.artifacts, parts.checker, cache, pool)


@pytest.mark.slow
def test_the_cache_of_exported_models_is_bounded(
    server: Server, one: str, two: str, tmp_path: Path
) -> None:
    for model in (one, two):
        with_cache(server, tmp_path, 10**9).load("local", model)
    files = list(tmp_path.iterdir())
    assert {file.name for file in files} == {f"{one}.onnx", f"{two}.onnx"}
    predictor = with_cache(server, tmp_path / "small", max(f.stat().st_size for f in files))
    loaded = predictor.load("local", one)
    raw = json.dumps({"instances": X * 5}).encode()
    before = predictor.submit(loaded, FUNCTION, raw).result(60)
    predictor.load("local", two)
    assert [file.name for file in (tmp_path / "small").iterdir()] == [f"{two}.onnx"]
    again = predictor.submit(loaded, FUNCTION, raw).result(60)
    assert again.body == before.body
    assert [file.name for file in (tmp_path / "small").iterdir()] == [f"{one}.onnx"]
    predictor.close()


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
    pool = PredictionPool(parts.settings, parts.metrics.count_child)
    predictor = Predictor(
        parts.settings, parts.database, parts.artifacts, parts.checker, cache, pool
    )
    assert predictor.load("local", one).engine == "onnxruntime"
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
        ({"instances": [[int("9" * 400), 1, 2, 3]]}, "/instances/0/0", "too large for float32"),
        (
            {"instances": [X[0], [1, 2, -int("9" * 400), 3]]},
            "/instances/1/2",
            "too large for float",
        ),
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


def test_whole_numbers_may_be_written_as_floats(server: Server, two: str) -> None:
    """Clients in pandas, Go and Java write 1 as 1.0."""

    def rows(words: list[Any]) -> list[dict[str, Any]]:
        return [{"words": words, "extra": 1}, {"words": [0, 0, 0], "extra": 1}]

    whole = made(ask(server, two, instances=rows([1, 2, 9])), 200)
    for words in ([1.0, 2.0, 9.0], [1, 2.0, 9], [1e0, 20e-1, 9]):
        assert made(ask(server, two, instances=rows(words)), 200) == whole
    found = faults(ask(server, two, instances=rows([1.0, 2.5, 1e300])))
    assert list(found) == ["/instances/0/words/1", "/instances/0/words/2"]
    assert "takes a whole number here" in found["/instances/0/words/1"]


def test_many_faults_of_an_input_hide_no_other_input(server: Server, two: str) -> None:
    rows = [{"words": ["a", "b", "c"], "extra": None}] * 100
    found = list(faults(ask(server, two, instances=rows)))
    assert sum("words" in place for place in found) == 10
    assert sum("extra" in place for place in found) == 10


ACCENTED = "b\N{LATIN SMALL LETTER E WITH ACUTE}"
LOOKUP = {"type": "StringLookup", "config": {"vocabulary": ["a", ACCENTED]}}
TEXTS = {
    "inputs": [{"name": "text", "shape": [2], "dtype": "string"}],
    "nodes": [{"name": "y", "layer": LOOKUP, "inputs": "text"}],
    "outputs": ["y"],
}


@pytest.fixture(scope="module")
def texts(server: Server, worker: None) -> str:
    identifier: str = built(server, TEXTS)["id"]
    return identifier


def encode(text: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(text).decode()}


def test_strings_may_be_sent_in_base64(server: Server, texts: str) -> None:
    """`{"b64": ...}` is a part of TensorFlow Serving's REST form."""
    rows = [[encode(b"a"), encode(ACCENTED.encode())], ["a", encode(b"other")]]
    plain = made(ask(server, texts, instances=[["a", ACCENTED], ["a", "other"]]), 200)
    assert plain == {"predictions": [[1, 2], [1, 0]]}
    assert made(ask(server, texts, instances=rows), 200) == plain
    assert made(ask(server, texts, instances=[{"text": row} for row in rows]), 200) == plain
    assert made(ask(server, texts, inputs=rows), 200) == {"outputs": plain["predictions"]}


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"b64": "YQ"}, "/b64"),
        ({"b64": "*"}, "/b64"),
        ({"b64": 3}, "/b64"),
        (encode(b"\xff"), "/b64"),
        (encode(b"a\x00"), "/b64"),
        ({"b64": "YQ==", "more": 1}, ""),
        (1, ""),
        (True, ""),
        (None, ""),
    ],
)
def test_other_values_than_strings_are_faults(
    server: Server, texts: str, value: Any, place: str
) -> None:
    found = faults(ask(server, texts, instances=[["a", "a"], ["a", value]]))
    assert list(found) == [f"/instances/1/1{place}"]


U_NET = {
    "inputs": [{"name": "x", "shape": [None, None, 1]}],
    "nodes": [
        {
            "name": "wide",
            "layer": {"type": "Conv2D", "config": {"filters": 2, "kernel_size": 1}},
            "inputs": "x",
        },
        {"name": "halved", "layer": {"type": "MaxPooling2D"}, "inputs": "wide"},
        {"name": "doubled", "layer": {"type": "UpSampling2D"}, "inputs": "halved"},
        {"name": "joined", "layer": {"type": "Concatenate"}, "inputs": ["wide", "doubled"]},
    ],
    "outputs": ["joined"],
}


@pytest.mark.slow
def test_rows_that_a_node_cannot_take_name_the_node(server: Server, worker: None) -> None:
    """A picture of 13 lines becomes 12 when it is halved and doubled."""
    model = built(server, U_NET)["id"]

    def picture(height: int, width: int) -> list[Any]:
        return np.zeros((1, height, width, 1)).tolist()

    for _ in range(2):  # an answered request of the same form changes nothing
        found = faults(ask(server, model, instances=picture(13, 8)))
        assert list(found) == ["/instances"]
        assert "cannot be computed for these values. Node 'joined'" in found["/instances"]
        assert "12" in found["/instances"]
        assert "13" in found["/instances"]
        body = made(ask(server, model, inputs=picture(12, 8)), 200)
        assert np.array(body["outputs"]).shape == (1, 12, 8, 4)


def test_quick_predictions_are_counted_and_equal_to_those_of_the_route(
    server: Server, one: str
) -> None:
    path, body = f"/v1/models/{one}:predict", json.dumps({"instances": X[:1]}).encode()
    headers = {"Content-Type": "application/json"}
    slow = made(server.client.post(path, content=body + b" " * QUICK_BYTES, headers=headers), 200)
    for _ in range(20):
        assert made(server.client.post(path, content=body, headers=headers), 200) == slow
    assert server.parts.predictor.load("local", one).session is not None
    route = 'method="POST",route="/v1/models/{id}:predict",status="200"'
    assert f"graphfit_http_requests_total{{{route}}}" in server.client.get("/metrics").text


@pytest.mark.slow
def test_a_prediction_over_its_time_limit_is_ended_within_its_process(
    server: Server, worker: None
) -> None:
    definition = graph({"type": "LSTM", "config": {"units": 1024}})
    definition["inputs"] = [{"name": "x", "shape": [None, 1]}]
    model = built(server, definition)["id"]
    made(ask(server, model, instances=[[[0.5]]]), 200)  # exports the model without the limit
    parts, settings = server.parts, Settings(predict_seconds=1)
    cache = Cache(server.data / "predict-cache", 10**10, "PREDICT_CACHE_BYTES")
    pool = PredictionPool(settings, parts.metrics.count_child)
    database, artifacts = parts.database, parts.artifacts
    predictor = Predictor(settings, database, artifacts, parts.checker, cache, pool)
    raw = json.dumps({"instances": [[[0.5]] * 20_000]}).encode()
    began = time.monotonic()
    late = predictor.submit(predictor.load("local", model), FUNCTION, raw)
    with pytest.raises(Invalid) as refusal:
        late.result(60)
    assert "longer than 1 seconds (PREDICT_SECONDS)" in refusal.value.faults[0].detail
    assert time.monotonic() - began < 30
    predictor.close()
