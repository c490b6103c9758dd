"""Datasets in each format, in and out again and split, through HTTP on both engines."""

import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save
from sklearn.datasets import load_digits

from tests.models_store.datasets.formats.images.test_read import pack
from tests.support.service import Service

ROWS = [
    {"age": 3, "town": "Ulm", "pair": [1.5, None]},
    {"town": 'é "quoted", \n', "pair": [0, 2]},
    {"age": None, "town": None, "pair": None, "late": True},
]
COLUMNS = {
    "age": [3, None, None],
    "town": ["Ulm", 'é "quoted", \n', None],
    "pair": [[1.5, None], [0, 2], [None, None]],
    "late": [None, None, True],
}
ARRAYS = {"x": np.arange(12.0, dtype="float32").reshape(3, 4), "y": np.array([3, 1, 2], "uint8")}


def rows_of(service: Service, dataset: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = service.client.get(f"/v1/datasets/{dataset['id']}/rows").json()
    columns: dict[str, Any] = found["columns"]
    return columns


def file_of(service: Service, dataset: dict[str, Any], name: str) -> Any:
    answer = service.client.get(f"/v1/datasets/{dataset['id']}/file?format={name}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].startswith('attachment; filename="dataset_')
    return answer


def save_npz(arrays: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


BODIES = {
    "columns": (json.dumps({"columns": COLUMNS}).encode(), "application/json"),
    "rows": (json.dumps({"rows": ROWS}).encode(), "application/json"),
    "lines": ("\n".join(map(json.dumps, ROWS)).encode(), "application/x-ndjson"),
}


@pytest.mark.parametrize("form", BODIES)
def test_values_of_each_text_form_are_read_back(service: Service, form: str) -> None:
    dataset = service.file_dataset(*BODIES[form])
    assert rows_of(service, dataset) == COLUMNS
    again = service.file_dataset(
        file_of(service, dataset, "ndjson").content, "application/x-ndjson"
    )
    assert rows_of(service, again) == COLUMNS
    assert again["columns"] == dataset["columns"]


@pytest.mark.parametrize(
    ("name", "raw", "media_type"),
    [
        ("npz", save_npz(ARRAYS), "application/x-npz"),
        ("safetensors", save(ARRAYS), "application/vnd.safetensors"),
    ],
)
def test_arrays_come_back_equal(service: Service, name: str, raw: bytes, media_type: str) -> None:
    dataset = service.file_dataset(raw, media_type)
    again = service.file_dataset(file_of(service, dataset, name).content, media_type)
    assert again["columns"] == dataset["columns"]
    assert rows_of(service, again) == {key: array.tolist() for key, array in ARRAYS.items()}


def test_one_array_is_a_column(service: Service) -> None:
    file = io.BytesIO()
    np.save(file, ARRAYS["x"])
    dataset = service.file_dataset(file.getvalue(), "application/x-npy", column="table")
    assert rows_of(service, dataset) == {"table": ARRAYS["x"].tolist()}


def test_a_format_that_cannot_express_a_column_names_it(service: Service) -> None:
    dataset = service.file_dataset(*BODIES["columns"])
    answer = service.client.get(f"/v1/datasets/{dataset['id']}/file?format=npz")
    assert answer.status_code == 422
    assert "npz cannot express column 'town': it holds text." in answer.text


def test_a_column_is_described(service: Service) -> None:
    raw = json.dumps({"columns": {"a/b": [1, 1, 2, None], "s": ["x", "y", "x", None]}}).encode()
    dataset = service.file_dataset(raw, "application/json")
    url = f"/v1/datasets/{dataset['id']}/columns"
    numbers = service.client.get(f"{url}/a%2Fb?bins=2").json()
    assert numbers["histogram"] == {"edges": [1, 1.5, 2], "counts": [2, 1]}
    assert (numbers["counted"], numbers["missing"], numbers["name"]) == (3, 1, "a/b")
    texts = service.client.get(f"{url}/s").json()
    assert texts["frequent"] == [{"value": "x", "count": 2}, {"value": "y", "count": 1}]
    assert service.client.get(f"{url}/z").status_code == 404
    assert service.client.get(f"{url}/s?bin=3").status_code == 422


def make_digits() -> tuple[bytes, Any, Any]:
    pictures, digits = load_digits(return_X_y=True)
    pictures = (pictures * 15).astype(np.uint8).reshape(-1, 8, 8)
    files = {}
    for number, (picture, digit) in enumerate(zip(pictures, digits, strict=True)):
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "PNG")
        files[f"{digit}/{number}.png"] = file.getvalue()
    return pack(files), pictures, digits


@pytest.mark.slow
def test_a_zip_of_digits_is_split_and_trains(service: Service) -> None:
    """The training on views equals that on uploads of the same rows, also without the whole."""
    archive, pictures, digits = make_digits()
    whole = service.file_dataset(archive, "application/zip")
    assert [column["name"] for column in whole["columns"]] == ["image", "label", "file"]
    request = {"parts": {"train": 0.8, "test": 0.2}, "seed": 3, "stratify": "label"}
    answer = service.client.post(f"/v1/datasets/{whole['id']}/split", json=request).json()
    assert service.client.delete(f"/v1/datasets/{whole['id']}").status_code == 204
    copies = {}
    for name, part in answer["parts"].items():
        rows = [json.loads(line) for line in file_of(service, part, "ndjson").text.splitlines()]
        numbers = [int(row["file"].split("/")[1].split(".")[0]) for row in rows]
        assert [row["label"] for row in rows] == [str(digits[number]) for number in numbers]
        arrays = {"image": pictures[numbers][..., None], "label": digits[numbers]}
        copies[name] = service.file_dataset(save_npz(arrays), "application/x-npz")
    assert {name: part["rows"] for name, part in answer["parts"].items()} == {
        "train": 1438, "test": 359,
    }  # fmt: skip
    views = train(service, answer["parts"])
    assert views["metrics"]["val_accuracy"] >= 0.9
    assert views["metrics"] == train(service, copies)["metrics"]


def train(service: Service, parts: dict[str, Any]) -> dict[str, Any]:
    def node(name: str, kind: str, inputs: str, **config: Any) -> dict[str, Any]:
        return {"name": name, "layer": {"type": kind, "config": config}, "inputs": inputs}

    return service.trained(
        graph={
            "inputs": [{"name": "image", "shape": [8, 8, 1]}],
            "nodes": [
                node("scaled", "Rescaling", "image", scale=1 / 255),
                node("seen", "Conv2D", "scaled", filters=16, kernel_size=3, activation="relu"),
                node("flat", "Flatten", "seen"),
                node("digit", "Dense", "flat", units=10, activation="softmax"),
            ],
            "outputs": ["digit"],
        },
        feed={"inputs": {"image": "image"}, "targets": {"digit": "label"}},
        dataset=parts["train"]["id"],
        validation_dataset=parts["test"]["id"],
        compile={"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
        fit={"epochs": 10, "batch_size": 32},
        seed=1,
    )
