"""Columns beside the graph they feed: what fits, and what is told where."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.dataset import Column, Dataset
from domain.graph.language import GraphDefinition
from domain.graph.summary import Bytes, Parameters, Summary, Tensor
from domain.job.feed import Feeding
from domain.job.job import JobRequest
from domain.job.resolve import resolve

ULID = "0" * 26


def column(
    name: str, dtype: str = "float64", shape: Any = (), low: Any = 0, high: Any = 1
) -> Column:
    return Column(name=name, dtype=dtype, shape=list(shape), min=low, max=high)


def dataset(*columns: Column, rows: int = 10) -> Dataset:
    return Dataset(
        id=f"dataset_{ULID}",
        name=None,
        rows=rows,
        bytes=0,
        sha256="",
        columns=list(columns),
        created_at=datetime.now(UTC),
    )


def faults(
    data: Dataset,
    *,
    output: Any = (10,),
    input_: Any = (4,),
    dtype: Any = "float32",
    loss: Any = "mse",
    validation: Dataset | None = None,
    **request: Any,
) -> dict[str, str]:
    definition = GraphDefinition.model_validate(
        {
            "inputs": [{"name": "x", "shape": list(input_), "dtype": dtype}],
            "nodes": [{"name": "y", "layer": {"type": "Dense"}, "inputs": "x"}],
            "outputs": ["y"],
        }
    )
    job = JobRequest.model_validate(
        {
            "graph": definition,
            "dataset": data.id,
            "compile": {"loss": loss},
            **request,
        }
    )
    recipe, wrong = resolve(job, ["x"], ["y"], [c.name for c in data.columns])
    assert wrong == []
    summary = Summary(
        inputs=[Tensor(name="x", shape=[None, *input_], dtype=dtype)],
        outputs=[Tensor(name="y", shape=[None, *output], dtype="float32")],
        nodes=[],
        parameters=Parameters(total=0, trainable=0, non_trainable=0),
        bytes=Bytes(weights=0, activations_per_row=0),
    )
    feeding = Feeding(job, recipe, summary, definition, data, validation)
    return {fault.pointer: fault.detail for fault in feeding.faults()}


X = column("x", shape=[4])
ONE_HOT = column("y", "int64", [10])


def test_what_fits_has_no_fault() -> None:
    assert faults(dataset(X, ONE_HOT)) == {}
    assert faults(dataset(X, ONE_HOT), validation=dataset(X, ONE_HOT, rows=1)) == {}


@pytest.mark.parametrize(
    ("x", "options", "words"),
    [
        (column("x", shape=[5]), {}, "[5] in each row; input 'x' takes [4]"),
        (column("x"), {}, "[]"),
        (column("x", shape=[3, 4]), {"input_": (None, 5)}, "takes [null, 5]"),
        (column("x", shape=[4]), {"dtype": "int32"}, "whole numbers"),
        (column("x", "int64", [4], 0, 2**40), {"dtype": "int32"}, "beyond -2147483648"),
        (column("x", "int8", [4], -1, 5), {"dtype": "uint8"}, "-1 to 5, beyond 0 to 255"),
        (column("x", "int64", [4], 0, 2), {"dtype": "bool"}, "beyond 0 to 1"),
    ],
)
def test_inputs_that_do_not_fit(x: Column, options: Any, words: str) -> None:
    assert words in faults(dataset(x, ONE_HOT), **options)["/feed/inputs"]


@pytest.mark.parametrize(
    ("x", "options"),
    [
        (column("x", "int64", [], 0, 9), {"input_": (1,)}),
        (column("x", "int64", [4], 0, 9), {}),
        (column("x", "bool", [4]), {"dtype": "int32"}),
        (column("x", "int64", [4], 0, 255), {"dtype": "uint8"}),
        (column("x", "float64", [9, 4]), {"input_": (None, 4)}),
        (column("x", "float64", [4], None, None), {}),
    ],
)
def test_inputs_that_fit(x: Column, options: Any) -> None:
    assert faults(dataset(x, ONE_HOT), **options) == {}


SPARSE = "sparse_categorical_crossentropy"


@pytest.mark.parametrize(
    ("y", "loss", "output", "words"),
    [
        (column("y", "int64", [], 0, 10), SPARSE, (10,), "0 to 10; output 'y' has 10 classes"),
        (column("y", "int64", [], -1, 9), SPARSE, (10,), "from -1"),
        (column("y", "float64", [], 0, 9.5), SPARSE, (10,), "whole numbers"),
        (column("y", "int64", [10]), SPARSE, (10,), "use 'categorical_crossentropy'"),
        (column("y", "int64", [], 0, 9), "CategoricalCrossentropy", (10,), "use 'sparse"),
        (column("y", "int64", [10], 0, 2), "categorical_crossentropy", (10,), "between 0 and 1"),
        (column("y", "int64", [], 0, 2), "binary_crossentropy", (1,), "between 0 and 1"),
        (column("y", "int64", [], 0, 12), "crossentropy", (10,), "10 classes"),
        (column("y", shape=[3]), "mse", (10,), "[3] in each row; output 'y' has [10]"),
        (column("y", shape=[]), "mse", (10,), "[] in each row"),
        (column("y", "<U3", [10]), "mse", (10,), "targets are numbers"),
    ],
)
def test_targets_that_do_not_fit(y: Column, loss: str, output: Any, words: str) -> None:
    assert words in faults(dataset(X, y), loss=loss, output=output)["/feed/targets"]


@pytest.mark.parametrize(
    ("y", "loss", "output"),
    [
        (column("y", "int64", [], 0, 9), SPARSE, (10,)),
        (column("y", "int64", [1], 0, 9), SPARSE, (10,)),
        (column("y", "float64", [20], 0, 9.0), SPARSE, (20, 10)),
        (column("y", "int64", [], 0, 1), "binary_crossentropy", (1,)),
        (column("y", "int64", [1], 0, 1), "bce", (1,)),
        (column("y", "int64", [], 0, 1), "crossentropy", (1,)),
        (column("y", "int64", [7], 0, 30), "ctc", (20, 10)),
        (
            column("y", "int64", [], 0, 255),
            {"type": "SparseCategoricalCrossentropy", "config": {"ignore_class": 255}},
            (10,),
        ),
        (column("y", shape=[12, 10]), "mse", (None, 10)),
    ],
)
def test_targets_that_fit(y: Column, loss: Any, output: Any) -> None:
    assert faults(dataset(X, y), loss=loss, output=output) == {}


def test_class_indices_need_a_class_each() -> None:
    found = faults(dataset(X, column("y", "int64")), loss={"y": SPARSE}, output=(1,))
    assert "binary_crossentropy" in found["/compile/loss/y"]


def test_places_are_those_of_the_request() -> None:
    data = dataset(column("wide", shape=[5]), column("t", shape=[3]), column("w", shape=[5]))
    by_list = faults(data, feed={"inputs": ["wide"], "targets": ["t"]})
    assert by_list.keys() == {"/feed/inputs/0", "/feed/targets/0"}
    weights = {"y": "w"}
    named = faults(
        data, feed={"inputs": {"x": "wide"}, "targets": {"y": "t"}, "sample_weights": weights}
    )
    assert named.keys() == {"/feed/inputs/x", "/feed/targets/y", "/feed/sample_weights/y"}


def test_both_sides_of_a_split_keep_a_row() -> None:
    fit = {"validation_split": 0.5}
    assert faults(dataset(X, ONE_HOT, rows=2), fit=fit) == {}
    found = faults(dataset(X, ONE_HOT, rows=1), fit=fit)["/fit/validation_split"]
    assert "leaves 0 to train on and 1 to validate on" in found
    both = faults(dataset(X, ONE_HOT), fit=fit, validation=dataset(X, ONE_HOT))
    assert "validation_dataset" in both["/fit/validation_split"]


def test_validation_data_needs_the_same_columns_and_ranges() -> None:
    y = column("y", "int64", [], 0, 9)
    data = dataset(X, y)
    told = [
        faults(data, loss=SPARSE, validation=other)["/validation_dataset"]
        for other in (
            dataset(X),
            dataset(column("x", shape=[5]), y),
            dataset(X, column("y", "int64", [], 0, 11)),
            dataset(X, y, rows=0),
        )
    ]
    words = ("no column 'y'", "[5]", "0 to 11", "no rows")
    assert all(word in text for word, text in zip(words, told, strict=True))


@pytest.mark.parametrize("loss", ["crossentropy", "mse"])
def test_an_output_and_a_target_of_one_number_a_row_have_no_axis_to_compare(loss: str) -> None:
    data = dataset(column("x", shape=[4]), column("y"))
    assert faults(data, output=(), loss=loss) == {}
