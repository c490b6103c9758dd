"""Evaluate and predict jobs through real processes, compared with plain Keras."""

import io
from typing import Any

import keras
import numpy as np
import pytest

from tests.api.requests import faults, made
from tests.support.service import Service

NAMES = ["low", "middle", "high"]
GRAPH = {
    "inputs": [{"name": "x", "shape": [8]}],
    "nodes": [
        {
            "name": "hidden",
            "layer": {"type": "Dense", "config": {"units": 16, "activation": "relu"}},
            "inputs": "x",
        },
        {
            "name": "kind",
            "layer": {"type": "Dense", "config": {"units": 3, "activation": "softmax"}},
            "inputs": "hidden",
        },
    ],
    "outputs": ["kind"],
}


def make_columns(rows: int, seed: int) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, 8)).astype(np.float32)
    kind = np.digitize(x.sum(axis=1), [-1, 1])
    weight = random.uniform(0.5, 2, rows).astype(np.float32)
    return {"id": np.arange(rows), "x": x, "kind": [NAMES[i] for i in kind], "weight": weight}


def train(service: Service, columns: dict[str, Any]) -> str:
    job = service.trained(
        graph=GRAPH,
        dataset=service.dataset(columns, dtypes={"x": "float32", "weight": "float32"}),
        feed={"sample_weights": {"kind": "weight"}, "classes": {"kind": NAMES}},
        compile={"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
        fit={"epochs": 2},
    )
    identifier: str = job["model"]
    return identifier


def load_model(service: Service, model: str, path: Any) -> Any:
    file = path / "model.keras"
    file.write_bytes(service.file(model, "model.keras"))
    return keras.models.load_model(file)


def read_npz(service: Service, dataset: str) -> dict[str, Any]:
    answer = service.client.get(f"/v1/datasets/{dataset}/file?format=npz")
    assert answer.status_code == 200, answer.text
    loaded = np.load(io.BytesIO(answer.content))
    return {name: loaded[name] for name in loaded.files}


def test_predictions_and_metrics_are_those_of_keras(service: Service, tmp_path: Any) -> None:
    model = train(service, make_columns(200, 1))
    columns = make_columns(1_100, 2)
    dataset = service.dataset(columns, dtypes={"x": "float32", "weight": "float32"})
    theirs = load_model(service, model, tmp_path)
    expected = theirs.predict(columns["x"], verbose=0)
    expected = expected["kind"] if isinstance(expected, dict) else expected

    job = service.trained(kind="predict", model=model, dataset=dataset, keep=["id"], name="mine")
    assert (job["model"], job["progress"]["fraction"]) == (None, 1.0)
    assert job["request"] == {
        "kind": "predict", "model": model, "dataset": dataset, "keep": ["id"], "name": "mine",
    }  # fmt: skip
    made_dataset = made(service.client.get(f"/v1/datasets/{job['dataset']}"), 200)
    assert (made_dataset["rows"], made_dataset["name"]) == (1_100, "mine")
    described = {c["name"]: (c["dtype"], c["shape"]) for c in made_dataset["columns"]}
    assert described == {
        "kind": ("float32", [3]), "kind_class": ("string", []), "id": ("int64", []),
    }  # fmt: skip
    url = f"/v1/datasets/{job['dataset']}/rows?start=1000&count=100"
    rows = made(service.client.get(url), 200)["columns"]
    np.testing.assert_allclose(rows["kind"], expected[1000:], rtol=1e-5)
    assert rows["kind_class"] == [NAMES[i] for i in expected[1000:].argmax(axis=1)]
    assert rows["id"] == list(range(1000, 1100))

    job = service.trained(kind="evaluate", model=model, dataset=dataset)
    assert (job["model"], job["dataset"]) == (None, None)
    theirs.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    targets = np.array([NAMES.index(name) for name in columns["kind"]])
    wanted = theirs.evaluate(
        columns["x"], targets, sample_weight=columns["weight"], return_dict=True, verbose=0
    )
    assert job["metrics"].keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_allclose(job["metrics"][name], value, rtol=1e-5)


def test_what_is_known_to_fail_is_refused(service: Service) -> None:
    model = train(service, make_columns(40, 3))
    columns = make_columns(10, 4)
    dataset = service.dataset(columns, dtypes={"x": "float32"})

    def refused(**request: Any) -> dict[str, str]:
        return faults(service.client.post("/v1/jobs", json=request))

    predict = {"kind": "predict", "model": model, "dataset": dataset}
    evaluate = {**predict, "kind": "evaluate"}
    assert refused(kind="predict").keys() == {"/dataset", "/model"}
    others = {"graph": GRAPH, "fit": {"epochs": 2}, "compile": {"loss": "mse"}, "seed": 3}
    assert refused(**predict, **others).keys() == {"/graph", "/fit", "/compile", "/seed"}
    feed = {"targets": ["kind"], "bucket": True}
    assert refused(**predict, feed=feed).keys() == {"/feed/targets", "/feed/bucket"}
    assert refused(**evaluate, keep=["id"]).keys() == {"/keep"}
    optimizer = {"compile": {"optimizer": "sgd"}}
    assert refused(**evaluate, **optimizer).keys() == {"/compile/optimizer"}
    keep = ["id", "id", "nothing"]
    assert refused(**predict, keep=keep).keys() == {"/keep/1", "/keep/2"}
    taken = service.dataset({"x": columns["x"], "kind": columns["kind"]})
    assert refused(**{**predict, "dataset": taken}, keep=["kind"]).keys() == {"/keep/0"}
    bare = service.dataset({"y": columns["x"]})
    assert refused(**{**predict, "dataset": bare}).keys() == {"/feed/inputs"}
    narrow = service.dataset({"x": columns["x"][:, :5]})
    assert "[8]" in refused(**{**predict, "dataset": narrow})["/feed/inputs"]
    no_target = service.dataset({"x": columns["x"]})
    assert refused(**{**evaluate, "dataset": no_target}).keys() == {"/feed/targets"}
    unseen = service.dataset({"x": columns["x"], "kind": ["other", *columns["kind"][1:]]})
    assert "'other'" in refused(**{**evaluate, "dataset": unseen})["/feed/targets"]
    missing = {"feed": {"missing": {"x": "mean"}}}
    assert refused(**predict, **missing).keys() == {"/feed/missing/x"}


IDS: dict[str, Any] = {"word": [[0, 9], [4, 4]], "kind": [0, 2]}


@pytest.mark.parametrize(
    ("kind", "columns", "place", "told"),
    [
        ("evaluate", {"word": [[0, 10], [1, 1]]}, "/feed/inputs", "from 0 to 10"),
        ("predict", {"word": [[0, 10], [1, 1]]}, "/feed/inputs", "has the indices 0 to 9"),
        ("predict", {"word": [[0, -1], [1, 1]]}, "/feed/inputs", "from -1 to 1"),
        ("predict", {"word": [[0.5, 1], [1, 1]]}, "/feed/inputs", "whole numbers"),
        ("predict", {"word": ["a", "b"]}, "/feed/inputs", "string"),
        ("evaluate", {"kind": [0, 3]}, "/feed/targets", "3 classes, 0 to 2"),
        ("evaluate", {"kind": [0, -1]}, "/feed/targets", "from -1 to 0"),
        ("evaluate", {"kind": [0, 0.5]}, "/compile/loss", "whole numbers"),
        ("evaluate", {"kind": ["a", "b"]}, "/feed/targets", "List them in `feed.classes`"),
        ("predict", {"word": [], "kind": []}, "/dataset/columns/word", "no rows"),
    ],
)
def test_values_that_no_row_may_have_are_refused(
    service: Service, words: str, kind: str, columns: dict[str, Any], place: str, told: str
) -> None:
    request = {"kind": kind, "model": words, "dataset": {"columns": {**IDS, **columns}}}
    if kind == "evaluate":
        request["compile"] = {"loss": "sparse_categorical_crossentropy"}
    found = faults(service.client.post("/v1/jobs", json=request))
    assert told in found[place]


@pytest.fixture(scope="module")
def words(service: Service) -> str:
    """A model of word ids, untrained."""
    graph = {
        "inputs": [{"name": "word", "shape": [2], "dtype": "int32"}],
        "nodes": [
            layer("vectors", "Embedding", "word", input_dim=10, output_dim=4),
            layer("flat", "Flatten", "vectors"),
            layer("kind", "Dense", "flat", units=3, activation="softmax"),
        ],
        "outputs": ["kind"],
    }
    model: str = service.trained(kind="build", graph=graph)["model"]
    return model


def layer(name: str, kind: str, inputs: Any, **config: Any) -> dict[str, Any]:
    return {"name": name, "layer": {"type": kind, "config": config}, "inputs": inputs}


def make_people(rows: int, seed: int) -> dict[str, Any]:
    """Rows with missing values, whose classes are texts."""
    random = np.random.default_rng(seed)
    ages = [None if i % 5 == 1 else int(a) for i, a in enumerate(random.integers(20, 70, rows))]
    sizes = random.normal(size=(rows, 2)).round(3)
    town = [["Ulm", "Halle", None][i] for i in random.integers(0, 3, rows)]
    left = ["yes" if i else "no" for i in random.integers(0, 2, rows)]
    trust = [None if i % 11 == 3 else 1.5 for i in range(rows)]
    return {"age": ages, "sizes": sizes, "town": town, "left": left, "trust": trust}


PEOPLE: dict[str, Any] = {
    "graph": {
        "inputs": [
            {"name": "person", "shape": [3]},
            {"name": "place", "shape": [1], "dtype": "string"},
        ],
        "nodes": [
            layer("scaled", "Normalization", "person"),
            layer(
                "index",
                "StringLookup",
                "place",
                output_mode="one_hot",
                max_tokens=4,
                pad_to_max_tokens=True,
            ),
            layer("all", "Concatenate", ["scaled", "index"]),
            layer("left", "Dense", "all", units=1, activation="sigmoid"),
        ],
        "outputs": ["left"],
    },
    "feed": {
        "inputs": {"person": ["age", "sizes"], "place": "town"},
        "missing": {"age": "median", "town": "most_frequent", "trust": "drop"},
        "sample_weights": {"left": "trust"},
    },
    "compile": {"loss": "binary_crossentropy", "metrics": ["accuracy", "AUC"]},
}


def make_series(rows: int, seed: int) -> dict[str, Any]:
    heat = np.random.default_rng(seed).normal(size=rows).cumsum().round(3)
    return {"heat": heat, "rain": heat[::-1].copy(), "town": [i // 20 for i in range(rows)]}


SERIES: dict[str, Any] = {
    "graph": {
        "inputs": [{"name": "days", "shape": [4, 2]}],
        "nodes": [
            layer("state", "LSTM", "days", units=3),
            layer("next", "Dense", "state", units=1),
        ],
        "outputs": ["next"],
    },
    "feed": {
        "inputs": {"days": ["heat", "rain"]},
        "targets": {"next": "heat"},
        "window": {"length": 4, "group": "town"},
    },
    "compile": {"loss": "mse", "metrics": ["mae"]},
}


def make_words(rows: int, seed: int) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    lengths = random.integers(1, 8, rows)
    words = [random.integers(1, 30, n).tolist() for n in lengths]
    return {"words": words, "tags": [[w % 3 for w in row] for row in words]}


WORDS: dict[str, Any] = {
    "graph": {
        "inputs": [{"name": "words", "shape": [None], "dtype": "int32"}],
        "nodes": [
            layer("vectors", "Embedding", "words", input_dim=30, output_dim=4, mask_zero=True),
            layer("states", "LSTM", "vectors", units=4, return_sequences=True),
            layer("tags", "Dense", "states", units=3, activation="softmax"),
        ],
        "outputs": ["tags"],
    },
    "feed": {"bucket": True},
    "compile": {"loss": "sparse_categorical_crossentropy"},
}
CASES = {
    "people": (PEOPLE, make_people),
    "series": (SERIES, make_series),
    "words": (WORDS, make_words),
}


@pytest.mark.parametrize(
    "name",
    ["series", *(pytest.param(name, marks=pytest.mark.slow) for name in ("people", "words"))],
)
def test_rows_are_prepared_as_in_the_validation_of_the_training(
    service: Service, name: str
) -> None:
    body, make = CASES[name]
    ragged = {"shapes": {"words": [None], "tags": [None]}} if name == "words" else {}
    other = service.dataset(make(70, 2), **ragged)
    trained = service.trained(
        **body,
        dataset=service.dataset(make(90, 1), **ragged),
        validation_dataset=other,
        fit={"epochs": 2},
        seed=5,
    )
    job = service.trained(kind="evaluate", model=trained["model"], dataset=other)
    wanted = {
        key.removeprefix("val_"): value
        for key, value in trained["metrics"].items()
        if key.startswith("val_")
    }
    assert job["metrics"] == wanted
    predicted = service.trained(kind="predict", model=trained["model"], dataset=other)
    dataset = made(service.client.get(f"/v1/datasets/{predicted['dataset']}"), 200)
    columns = {column["name"]: column["shape"] for column in dataset["columns"]}
    assert (
        columns
        == {
            "people": {"left": [1], "left_class": []},
            "series": {"next": [1]},
            "words": {"tags": [None, 3]},
        }[name]
    )
    assert dataset["rows"] == {"people": 70, "series": 17 * 3 + 7, "words": 70}[name]
