"""The columns of a dataset must fit the graph that they feed."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest

from domain.dataset import ClassCount, Column, Dataset
from domain.graph.language import GraphDefinition
from domain.graph.summary import Bytes, Parameters, Summary, Tensor
from domain.job.feed import FeedCheck
from domain.job.job import JobRequest
from domain.job.resolve import resolve
from domain.job.targets import ClassWeighting, TargetCheck, ValueRange

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


def find_faults(data: Dataset, **options: Any) -> dict[str, str]:
    return {fault.pointer: fault.detail for fault in make_check(data, **options).find_faults()}


def make_check(
    data: Dataset,
    *,
    output: Any = (10,),
    input_: Any = (4,),
    dtype: Any = "float32",
    loss: Any = "mse",
    validation: Dataset | None = None,
    targets: Mapping[str, TargetCheck] = MappingProxyType({}),
    ranges: Mapping[str, list[ValueRange]] = MappingProxyType({}),
    **request: Any,
) -> FeedCheck:
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
    return FeedCheck(job, recipe, summary, definition, data, validation, targets, ranges)


X = column("x", shape=[4])
ONE_HOT = column("y", "int64", [10])


def test_fitting_columns_have_no_fault() -> None:
    assert find_faults(dataset(X, ONE_HOT)) == {}
    assert find_faults(dataset(X, ONE_HOT), validation=dataset(X, ONE_HOT, rows=1)) == {}


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
def test_inputs_that_do_not_fit_are_refused(x: Column, options: Any, words: str) -> None:
    assert words in find_faults(dataset(x, ONE_HOT), **options)["/feed/inputs"]


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
def test_fitting_inputs_have_no_fault(x: Column, options: Any) -> None:
    assert find_faults(dataset(x, ONE_HOT), **options) == {}


SPARSE = "sparse_categorical_crossentropy"
INDICES = TargetCheck(values="class index", classes=10)
SHARES = TargetCheck(values="share")


@pytest.mark.parametrize(
    ("y", "loss", "check", "words"),
    [
        (column("y", "int64", [], 0, 10), SPARSE, INDICES, "0 to 10; output 'y' has 10 classes"),
        (column("y", "int64", [], -1, 9), SPARSE, INDICES, "from -1"),
        (column("y", "float64", [], 0, 9.5), SPARSE, INDICES, "whole numbers"),
        (column("y", "int64", [10], 0, 2), "CategoricalCrossentropy", SHARES, "between 0 and 1"),
        (column("y", "int64", [], 0, 2), "binary_crossentropy", SHARES, "between 0 and 1"),
        (column("y", "int64", [], 0, 12), "crossentropy", INDICES, "10 classes"),
        (column("y", "<U3", [10]), "mse", TargetCheck(), "targets are numbers"),
        (column("y", shape=[3]), "mse", TargetCheck(faults=["The shape."]), "The shape."),
    ],
)
def test_targets_that_do_not_fit_are_refused(
    y: Column, loss: str, check: TargetCheck, words: str
) -> None:
    found = find_faults(dataset(X, y), loss=loss, targets={"y": check})
    assert words in found["/feed/targets"]


@pytest.mark.parametrize(
    ("y", "loss", "check"),
    [
        (column("y", "int64", [], 0, 9), SPARSE, INDICES),
        (column("y", "float64", [20], 0, 9.0), SPARSE, INDICES),
        (column("y", "int64", [], 0, 1), "binary_crossentropy", SHARES),
        (column("y", "int64", [7], 0, 30), "ctc", TargetCheck()),
        (column("y", "int64", [], 0, 255), SPARSE, TargetCheck(values="class index")),
        (column("y", "int64", [], None, None), SPARSE, INDICES),
        (column("y", "int64", [], 0, 30), SPARSE, None),
    ],
)
def test_fitting_targets_have_no_fault(y: Column, loss: Any, check: TargetCheck | None) -> None:
    checks = {} if check is None else {"y": check}
    assert find_faults(dataset(X, y), loss=loss, targets=checks) == {}


def test_faults_point_into_the_request() -> None:
    data = dataset(column("wide", shape=[5]), column("t", shape=[3]), column("w", shape=[5]))
    checks = {"y": TargetCheck(faults=["No."])}
    by_list = find_faults(data, targets=checks, feed={"inputs": ["wide"], "targets": ["t"]})
    assert by_list.keys() == {"/feed/inputs/0", "/feed/targets/0"}
    weights = {"y": "w"}
    named = find_faults(
        data,
        targets=checks,
        feed={"inputs": {"x": "wide"}, "targets": {"y": "t"}, "sample_weights": weights},
    )
    assert named.keys() == {"/feed/inputs/x", "/feed/targets/y", "/feed/sample_weights/y"}


def test_both_parts_of_a_split_need_a_row() -> None:
    fit = {"validation_split": 0.5}
    assert find_faults(dataset(X, ONE_HOT, rows=2), fit=fit) == {}
    found = find_faults(dataset(X, ONE_HOT, rows=1), fit=fit)["/fit/validation_split"]
    assert "leaves 0 to train on and 1 to validate on" in found
    both = find_faults(dataset(X, ONE_HOT), fit=fit, validation=dataset(X, ONE_HOT))
    assert "validation_dataset" in both["/fit/validation_split"]


def test_validation_data_needs_the_same_columns_and_ranges() -> None:
    y = column("y", "int64", [], 0, 9)
    data = dataset(X, y)
    details = [
        find_faults(data, loss=SPARSE, validation=other, targets={"y": INDICES})[
            "/validation_dataset"
        ]
        for other in (
            dataset(X),
            dataset(column("x", shape=[5]), y),
            dataset(X, column("y", "int64", [], 0, 11)),
            dataset(X, y, rows=0),
        )
    ]
    words = ("no column 'y'", "[5]", "0 to 11", "no rows")
    assert all(word in text for word, text in zip(words, details, strict=True))


@pytest.mark.parametrize("loss", ["crossentropy", "mse"])
def test_target_of_single_numbers_fits_an_output_of_single_numbers(loss: str) -> None:
    data = dataset(column("x", shape=[4]), column("y"))
    assert find_faults(data, output=(), loss=loss) == {}


def test_faults_and_doubts_of_weights_are_found() -> None:
    data = dataset(X, column("y", "int64", [], 0, 2), column("w", shape=[4]))
    feed = {"sample_weights": {"y": "w"}}
    steps = TargetCheck(positions=[3])
    assert "has [3]" in find_faults(data, feed=feed, targets={"y": steps})["/feed/sample_weights/y"]

    fit = {"class_weight": {"7": 2.0}}
    classes = TargetCheck(weighting=ClassWeighting(by="class", classes=3))
    found = find_faults(data, fit=fit, targets={"y": classes})
    assert "no class 7" in found["/fit/class_weight"]
    numbers = make_check(data, fit=fit, targets={"y": TargetCheck()})
    assert numbers.find_faults() == []
    (warning,) = numbers.find_warnings()
    assert "name 7" in warning


COUNTS = ValueRange(name="poisson", low=0, meaning="it is for counts")
LABELS = ValueRange(name="ctc", low=0, high=3, meaning="0 is the blank", is_needed=True)


def test_values_that_a_loss_does_not_take_as_meant_have_a_warning() -> None:
    negative, counts = column("y", shape=[10], low=-2, high=5), column("y", shape=[10], low=0)
    (text,) = make_check(dataset(X, negative), ranges={"y": [COUNTS]}).find_warnings()
    assert text == (
        "Column 'y' runs from -2 to 5; 'poisson' takes values from 0: it is for counts."
    )
    validation = dataset(X, negative)
    assert make_check(dataset(X, counts), ranges={"y": [COUNTS]}).find_warnings() == []
    late = make_check(dataset(X, counts), ranges={"y": [COUNTS]}, validation=validation)
    assert late.find_warnings() == [text]


def test_values_that_a_loss_cannot_take_are_refused() -> None:
    checked: dict[str, Any] = {"targets": {"y": TargetCheck()}, "ranges": {"y": [LABELS]}}
    labels = column("y", "int64", [10], 0, 4)
    found = find_faults(dataset(X, labels), **checked)
    assert "'ctc' takes values from 0 to 3: 0 is the blank." in found["/feed/targets"]
    fitting = dataset(X, column("y", "int64", [10], 0, 3))
    assert find_faults(fitting, **checked) == {}
    assert "validation_dataset" in str(
        find_faults(fitting, validation=dataset(X, labels), **checked)
    )


def test_percentages_of_zero_have_a_warning() -> None:
    share = ValueRange(name="mape", takes_zero=False, meaning="a difference from 0 is divided")
    zero = make_check(dataset(X, column("y", shape=[10], low=0)), ranges={"y": [share]})
    assert "'mape' takes values other than 0" in zero.find_warnings()[0]
    one = make_check(dataset(X, column("y", shape=[10], low=0.5)), ranges={"y": [share]})
    assert one.find_warnings() == []


def test_windows_need_enough_rows_in_each_part() -> None:
    window = {"window": {"length": 3}}
    options: dict[str, Any] = {"input_": (3, 4), "feed": window}
    assert find_faults(dataset(X, ONE_HOT, rows=4), **options) == {}
    found = find_faults(dataset(X, ONE_HOT, rows=3), **options)
    assert "need 4 consecutive rows" in found["/feed/window/length"]
    split = find_faults(dataset(X, ONE_HOT, rows=7), fit={"validation_split": 0.5}, **options)
    assert "3 rows to train on" in split["/feed/window/length"]


def test_a_group_has_enough_rows_for_a_window() -> None:
    group = column("town", "string", low=None, high=None)
    counts = [ClassCount(value="Rome", count=4), ClassCount(value="Ulm", count=6)]
    towns = group.model_copy(update={"classes": counts})
    for length, is_fitting in ((5, True), (6, False)):
        feed = {"window": {"length": length, "group": "town"}}
        found = find_faults(dataset(X, ONE_HOT, towns), input_=(length, 4), feed=feed)
        assert (found == {}) is is_fitting


def test_rows_of_one_hot_targets_sum_to_one() -> None:
    check = TargetCheck(values="share", weighting=ClassWeighting(by="class", classes=10))
    fitting = ONE_HOT.model_copy(update={"mean": 0.1})
    several = ONE_HOT.model_copy(update={"mean": 0.25})
    loss = "categorical_crossentropy"
    assert find_faults(dataset(X, fitting), loss=loss, targets={"y": check}) == {}
    found = find_faults(dataset(X, several), loss=loss, targets={"y": check})
    assert "sum to 2.5 on average" in found["/feed/targets"]


def test_buckets_need_rows_that_differ_in_length() -> None:
    feed = {"bucket": True}
    assert "bucket" in find_faults(dataset(X, ONE_HOT), feed=feed)["/feed/bucket"]
    ragged = column("x", shape=[None])
    made = make_check(dataset(ragged, ONE_HOT), input_=(None,), feed=feed)
    assert made.find_faults() == []
    assert any("mask_zero" in doubt for doubt in made.find_warnings())


def test_weights_that_are_all_zero_have_a_warning() -> None:
    data = dataset(X, column("y", shape=[10]), column("w", high=0))
    feed = {"sample_weights": {"y": "w"}}
    made = make_check(data, feed=feed, targets={"y": TargetCheck()})
    (text,) = made.find_warnings()
    assert "All weights of column 'w' are 0" in text
