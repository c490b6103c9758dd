"""ONNX files have the names of the graph and compute what Keras computes."""

import hashlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from compiler.inference.onnx import export_onnx
from domain.model import ExportResult
from tests.compiler.graphs import build_graph, graph, layer, node
from tests.compiler.inference.test_predict import TWO, make_rows, store
from tests.worker.child import in_child

CLASHING = graph(
    {"x": [4]},
    [node("hidden", layer("Dense", units=3), "x"), node("x_2", layer("ReLU"), "hidden")],
    [{"name": "zebra", "from": "hidden"}, {"name": "ant", "from": "x_2"}, "hidden"],
)


def test_file_computes_what_keras_computes_for_any_number_of_rows(tmp_path: Path) -> None:
    made = build_graph(TWO)
    target = tmp_path / "model.onnx"
    report = export_onnx(*store(made, tmp_path), str(target))

    content = target.read_bytes()
    assert report == ExportResult(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    session = onnxruntime.InferenceSession(content)
    assert [item.name for item in session.get_inputs()] == ["a", "b"]
    for count in (1, 7):
        given = make_rows(count)
        single = {name: array.astype(np.float32) for name, array in given.items()}
        found = dict(zip(("y", "encoded"), session.run(["y", "encoded"], single), strict=True))
        wanted = made.model([given["a"], given["b"]], training=False)
        for name, array in found.items():
            assert np.allclose(array, wanted[name], atol=1e-5)


def exported_with_temporary_files_in(
    folder: Path, blueprint_json: str, weights: str, target: Path
) -> bool:
    """Export in a child process, because AutoGraph converts a function once per process."""
    tempfile.tempdir = str(folder)
    export_onnx(blueprint_json, weights, str(target))
    return tempfile.gettempdir() == str(folder)


def test_temporary_files_of_autograph_lie_beside_the_file(tmp_path: Path) -> None:
    """AutoGraph deletes its files when its process exits; the API kills its child processes."""
    (elsewhere := tmp_path / "elsewhere").mkdir()
    target = tmp_path / "beside" / "model.onnx"
    target.parent.mkdir()
    model = store(build_graph(TWO), tmp_path)
    assert in_child(exported_with_temporary_files_in, elsewhere, *model, target)
    assert list(target.parent.glob("__autograph_generated_file*"))
    assert not list(elsewhere.iterdir())


def test_outputs_keep_the_names_of_the_graph(tmp_path: Path) -> None:
    made = build_graph(CLASHING)
    report = export_onnx(*store(made, tmp_path), str(tmp_path / "model.onnx"))

    assert report.reason is None
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert {item.name for item in session.get_outputs()} == {"zebra", "ant", "hidden"}


def test_output_named_like_an_input_yields_a_reason_and_no_file(tmp_path: Path) -> None:
    same = graph({"x": [4]}, [node("y", layer("ReLU"), "x")], ["y", "x"])
    report = export_onnx(*store(build_graph(same), tmp_path), str(tmp_path / "model.onnx"))

    assert report.reason == "In ONNX an output cannot have the name of an input."
    assert report.sha256 is None


def test_model_that_cannot_be_converted_yields_a_reason_and_no_file(tmp_path: Path) -> None:
    random = {"type": "GaussianNoise", "config": {"stddev": 1.0}}
    always: dict[str, Any] = graph({"x": [4]}, [node("y", random, "x", training=True)], ["y"])
    report = export_onnx(*store(build_graph(always), tmp_path), str(tmp_path / "model.onnx"))

    assert report.reason is not None
    assert str(tmp_path) not in report.reason
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]
