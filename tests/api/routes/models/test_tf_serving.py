"""The calls of TensorFlow Serving's REST API beside `:predict`, in its own forms.

The forms are those of https://www.tensorflow.org/tfx/serving/api_rest.
"""

from typing import Any

import httpx
import pytest

from tests.api.requests import faults, graph, made
from tests.api.routes.models.test_models import built
from tests.support.api_server import Server

X = [[0.5, 1.0, -2.0, 3.0], [1.0, 2.0, 3.0, 4.0]]
UNKNOWN = f"model_{'0' * 26}"


@pytest.fixture(scope="module")
def model(server: Server, worker: None) -> str:
    identifier: str = built(server, graph())["id"]
    return identifier


def get(server: Server, path: str) -> Any:
    return made(server.client.get(f"/v1/models/{path}"), 200)


def test_the_status_of_a_model(server: Server, model: str) -> None:
    (version,) = get(server, f"{model}/versions/1")["model_version_status"]
    assert version == {
        "version": "1",
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }


@pytest.mark.parametrize("path", ["metadata", "versions/1/metadata"])
def test_the_metadata_of_a_model(server: Server, model: str, path: str) -> None:
    found = get(server, f"{model}/{path}")
    assert found["model_spec"] == {"name": model, "signature_name": "", "version": "1"}
    assert found["metadata"]["signature_def"]["signature_def"] == {
        "serving_default": {
            "inputs": {"x": describe(["-1", "4"], "x")},
            "outputs": {"y": describe(["-1", "3"], "y")},
            "method_name": "tensorflow/serving/predict",
        }
    }


def describe(sizes: list[str], name: str, dtype: str = "DT_FLOAT") -> dict[str, Any]:
    dimensions = [{"size": size, "name": ""} for size in sizes]
    shape = {"dim": dimensions, "unknown_rank": False}
    return {"dtype": dtype, "tensor_shape": shape, "name": name}


def test_dtypes_have_the_names_of_tensorflow(server: Server, worker: None) -> None:
    names = {
        "float16": "DT_HALF", "bfloat16": "DT_BFLOAT16", "float64": "DT_DOUBLE", "bool": "DT_BOOL",
        "int8": "DT_INT8", "uint16": "DT_UINT16", "int64": "DT_INT64", "string": "DT_STRING",
    }  # fmt: skip
    inputs = [{"name": dtype, "shape": [None, 2], "dtype": dtype} for dtype in names]
    nodes: list[dict[str, Any]] = [
        {"name": f"{dtype}_too", "layer": {"type": "Identity"}, "inputs": dtype}
        for dtype in names
        if dtype != "string"
    ]
    lookup = {"type": "StringLookup", "config": {"vocabulary": ["a"]}}
    nodes.append({"name": "string_too", "layer": lookup, "inputs": "string"})
    outputs = [f"{dtype}_too" for dtype in names]
    made_model = built(server, {"inputs": inputs, "nodes": nodes, "outputs": outputs})["id"]
    found = get(server, f"{made_model}/metadata")
    signature = found["metadata"]["signature_def"]["signature_def"]["serving_default"]
    for dtype, name in names.items():
        assert signature["inputs"][dtype] == describe(["-1", "-1", "2"], dtype, name)


def predict(server: Server, path: str, **body: Any) -> httpx.Response:
    return server.client.post(f"/v1/models/{path}:predict", json=body)


def test_a_version_predicts_as_the_model_does(server: Server, model: str) -> None:
    for _ in range(3):  # the first answers come from a process, the others from the event loop
        plain = predict(server, model, instances=X)
        versioned = predict(server, f"{model}/versions/1", instances=X)
        assert versioned.content == plain.content
    wrong = predict(server, f"{model}/versions/1", instances=[[1]])
    assert "a list of 4" in faults(wrong)["/instances/0"]
    assert "a list of 4" in wrong.json()["error"]


def test_other_versions_and_unknown_models_are_a_404(server: Server, model: str) -> None:
    unknown = (f"{UNKNOWN}/versions/1", f"{UNKNOWN}/metadata", "x/metadata")
    for path in (f"{model}/versions/2", *unknown):
        faults(server.client.get(f"/v1/models/{path}"), 404)
    for path in (f"{model}/versions/2", f"{UNKNOWN}/versions/1"):
        faults(predict(server, path, instances=X), 404)
