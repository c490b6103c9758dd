"""The report of several outputs: its bits, its state and its memory."""

import time
import tracemalloc
from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from domain.report.outputs import NumbersReport
from tests.worker.training.reports.feeding import make_report
from worker.training.reports.maker import ReportMaker, list_exclusions
from worker.training.reports.output import NoReport, OutputSpec
from worker.training.reports.streams import blocks

Array = np.ndarray[Any, Any]
SPECS = {
    "binary": OutputSpec("binary"),
    "classes": OutputSpec("classes", 4, -1, "logit", indices=True),
    "labels": OutputSpec("labels", 4, -1, "logit"),
    "numbers": OutputSpec("numbers", 4, -1, "raw"),
}


def draw(kind: str, rows: int) -> tuple[Array, Array]:
    random = np.random.default_rng(0)
    outputs = random.normal(size=(rows, 4)).astype(np.float32)
    if kind == "binary":
        return random.integers(0, 2, rows), outputs[:, :1]
    if kind == "classes":
        return random.integers(0, 4, rows), outputs
    targets = outputs + random.normal(size=(rows, 4))
    return (targets > 0 if kind == "labels" else targets), outputs


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", SPECS)
def test_neither_batches_nor_a_saved_state_change_a_bit(
    kind: str, weighted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several blocks, and of more distinct scores than are counted by themselves."""
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 7_000)
    rows = 40_000
    targets, outputs = draw(kind, rows)
    weights = np.random.default_rng(1).random(rows) if weighted else None
    spec = SPECS[kind]
    whole = make_report(spec, targets, outputs, weights, sizes=[rows])
    others = make_report(
        spec, targets, outputs, weights, sizes=[1, 15_001, 64, 2_999], saved_after=3
    )
    assert others.model_dump_json() == whole.model_dump_json()


def test_curves_of_many_distinct_scores_are_exact_at_their_thresholds() -> None:
    random = np.random.default_rng(0)
    targets = random.integers(0, 2, 200_000)
    scores = random.normal(0.2 * targets, 1).astype(np.float32)
    spec = OutputSpec("binary", scores="raw")
    found: Any = make_report(spec, targets, scores).outputs["y"]
    positives, negatives = np.sort(scores[targets == 1]), np.sort(scores[targets == 0])
    for threshold, fpr, tpr in zip(
        found.roc.thresholds[1:], found.roc.fpr[1:], found.roc.tpr[1:], strict=True
    ):
        assert fpr == pytest.approx(1 - np.searchsorted(negatives, threshold) / len(negatives))
        assert tpr == pytest.approx(1 - np.searchsorted(positives, threshold) / len(positives))
    assert found.roc.auc == pytest.approx(metrics.roc_auc_score(targets, scores), abs=1e-7)
    average = metrics.average_precision_score(targets, scores)
    assert found.precision_recall.average_precision == pytest.approx(average, abs=1e-5)


def test_outputs_without_a_report_are_told() -> None:
    maker = ReportMaker.for_outputs({"y": SPECS["numbers"], "z": NoReport("It has no target.")})
    targets, outputs = draw("numbers", 10)
    maker.update({"y": targets, "z": None}, {"y": outputs, "z": outputs})
    report = maker.result()
    assert report.rows == 10
    assert [one.model_dump() for one in report.outputs_left_out] == [
        {"name": "z", "reason": "It has no target."}
    ]
    assert isinstance(report.outputs["y"], NumbersReport)
    assert list_exclusions(report) == []


def test_a_report_has_at_most_100_outputs() -> None:
    maker = ReportMaker.for_outputs({f"y{i}": SPECS["numbers"] for i in range(102)})
    assert len(maker.outputs) == 100
    left_out = maker.result().outputs_left_out
    assert [one.name for one in left_out] == ["y100", "y101"]


def test_an_output_without_rows_has_a_report() -> None:
    report = ReportMaker.for_outputs(SPECS).result()
    assert [output.count for output in report.outputs.values()] == [0, 0, 0, 0]


def test_what_is_left_out_is_told_in_words() -> None:
    outputs = np.array([np.nan, 1.0, 2.0], np.float32)
    report = make_report(OutputSpec("numbers", scores="raw"), np.ones(3), outputs)
    assert list_exclusions(report) == [
        "The report of output 'y' leaves out 1 rows, steps or pixels whose predictions are NaN or "
        "infinite."
    ]


def test_shapes_that_do_not_fit_are_refused() -> None:
    """Never compare by a broadcast."""
    with pytest.raises(ValueError, match="do not fit"):
        make_report(SPECS["numbers"], np.ones((4, 3)), np.ones((4, 4)))
    with pytest.raises(ValueError, match="do not fit"):
        make_report(OutputSpec("binary"), np.ones((4, 4)), np.ones((4, 1)))
    with pytest.raises(ValueError, match="do not fit"):
        make_report(SPECS["numbers"], np.ones((4, 4)), np.ones((4, 4)), np.ones((4, 4)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", SPECS)
def test_ten_million_rows_take_no_more_memory_than_one(kind: str) -> None:
    targets, outputs = draw(kind, 200_000)
    peaks, seconds = [], 0.0
    for repeats in (5, 50):
        maker = ReportMaker.for_outputs({"y": SPECS[kind]})
        tracemalloc.start()
        began = time.process_time()
        for number in range(repeats):
            for start in range(0, 200_000, 2_000):
                batch = slice(start, start + 2_000)
                shifted = outputs[batch] * np.float32(1 + number / 50)
                maker.update({"y": targets[batch]}, {"y": shifted})
        maker.result()
        seconds = time.process_time() - began
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    print(f"{kind}: {seconds / 10_000_000 * 1e9:.0f} ns a row, {peaks[1] / 1e6:.0f} MB at most")
    assert peaks[1] < 1.2 * peaks[0]
    assert peaks[1] < 150e6
