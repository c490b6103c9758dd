"""The report of an evaluation, whose batches arrive output by output."""

from typing import Any

import numpy as np

from worker.protocol.messages import Warned
from worker.training.reports.maker import ReportMaker
from worker.training.reports.observer import ReportObserver
from worker.training.reports.output import NoReport, OutputSpec

SPECS: dict[str, OutputSpec | NoReport] = {
    "sure": OutputSpec("binary"),
    "size": OutputSpec("numbers", scores="raw"),
    "tags": NoReport("Its targets are sequences."),
}


class Link:
    """Keeps the messages."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    def send(self, message: Any) -> None:
        self.messages.append(message)


def make_batches() -> list[dict[str, tuple[Any, Any, Any]]]:
    random = np.random.default_rng(3)
    return [
        {
            "size": (random.normal(size=(9, 1)), random.normal(size=(9, 1)), None),
            "tags": (random.normal(size=9), random.normal(size=(9, 4)), None),
            "sure": (random.integers(0, 2, 9), random.random((9, 1)), random.random(9)),
        }
        for _ in range(3)
    ]


def pass_by(observer: ReportObserver, batch: dict[str, tuple[Any, Any, Any]]) -> None:
    for name, arrays in batch.items():
        observer.observe(name, *arrays)


def test_the_report_is_that_of_whole_batches_also_after_a_resume() -> None:
    maker = ReportMaker.for_outputs(SPECS)
    observer, link = ReportObserver(ReportMaker.for_outputs(SPECS)), Link()
    for batch in make_batches():
        maker.update(*({name: arrays[i] for name, arrays in batch.items()} for i in range(3)))
        pass_by(observer, batch)
        state, observer = observer.get_state(), ReportObserver(ReportMaker.for_outputs(SPECS))
        observer.set_state(state)
    report: Any = observer.finish(link)  # type: ignore[arg-type]
    assert report == maker.result()
    assert (report.rows, not link.messages) == (27, True)


def test_an_error_ends_the_report_and_stays_known_after_a_resume() -> None:
    first, *others = make_batches()
    observer = ReportObserver(ReportMaker.for_outputs(SPECS))
    pass_by(observer, {**first, "size": (np.ones((9, 3)), np.ones((9, 2)), None)})
    resumed, link = ReportObserver(ReportMaker.for_outputs(SPECS)), Link()
    resumed.set_state(observer.get_state())
    for batch in others:
        pass_by(resumed, batch)
    assert resumed.finish(link) is None  # type: ignore[arg-type]
    (warning,) = link.messages
    assert isinstance(warning, Warned)
    assert "could not be made (ValueError)" in warning.text
