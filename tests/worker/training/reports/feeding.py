"""Makes the report of one output from arrays, in batches of given sizes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from domain.report.outputs import OutputReport
from domain.report.report import Report
from worker.training.reports.maker import ReportMaker
from worker.training.reports.output import OutputSpec

Array = np.ndarray[Any, Any]


def make_report(
    spec: OutputSpec,
    targets: Array,
    predictions: Array,
    weights: Array | None = None,
    mask: Array | None = None,
    sizes: Sequence[int] = (1000,),
    saved_after: int | None = None,
) -> Report:
    """The report of an output `y`.

    Args:
        sizes: Sizes of batches, which repeat.
        saved_after: Number of batches after which another maker goes on with the saved state.
    """
    maker = ReportMaker.for_outputs({"y": spec})
    start, number = 0, 0
    while start < len(predictions):
        batch = slice(start, start + sizes[number % len(sizes)])
        parts = [
            {"y": None if array is None else array[batch]}
            for array in (targets, predictions, weights, mask)
        ]
        maker.update(*parts)
        start, number = batch.stop, number + 1
        if number == saved_after:
            state = maker.get_state()
            maker = ReportMaker.for_outputs({"y": spec})
            maker.set_state(state)
    return maker.result()


def describe(spec: OutputSpec, *arrays: Any, **options: Any) -> Any:
    """The report of a single output; see `make_report`."""
    found: OutputReport = make_report(spec, *arrays, **options).outputs["y"]
    return found
