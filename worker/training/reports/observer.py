"""Makes the report of an evaluation from the batches that pass by."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np

from domain.report.report import Report
from worker.protocol.messages import Warned
from worker.training.reports.maker import ReportMaker, list_exclusions
from worker.training.reports.streams.state import Array
from worker.training.supervisor_link import SupervisorLink

log = logging.getLogger(__name__)

FAILED = "failed"


class ReportObserver:
    """Collects the outputs of each batch for a report; see `inference.observation.Observer`.

    An error ends the report but not the evaluation, whose metrics are complete without it.
    """

    def __init__(self, maker: ReportMaker) -> None:
        """Has seen nothing yet.

        Args:
            maker: Makes the report.
        """
        self._maker = maker
        self._outputs = frozenset(maker.outputs)
        self._batch: dict[str, tuple[Array, Array, Array | None]] = {}
        """The outputs of the present batch so far: targets, predictions and weights."""
        self._failure: str | None = None

    def observe(self, output: str, target: Array, predicted: Array, weights: Array | None) -> None:
        """Takes one batch of one output; the last output completes the batch."""
        if output not in self._outputs or self._failure is not None:
            return
        self._batch[output] = target, predicted, weights
        if len(self._batch) == len(self._outputs):
            batch, self._batch = self._batch, {}
            self._update(batch)

    def _update(self, batch: Mapping[str, tuple[Array, Array, Array | None]]) -> None:
        parts: tuple[dict[str, Any], ...] = ({}, {}, {})
        for name, arrays in batch.items():
            for part, array in zip(parts, arrays, strict=True):
                part[name] = array
        try:
            self._maker.update(*parts)
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        log.exception("the report could not be made")
        self._failure = type(error).__name__

    def get_state(self) -> dict[str, Array]:
        """Returns arrays by name, from which another observer goes on."""
        if self._failure is not None:
            return {FAILED: np.frombuffer(self._failure.encode(), np.uint8)}
        return self._maker.get_state()

    def set_state(self, arrays: Mapping[str, Array]) -> None:
        """Goes on from the arrays of `get_state`."""
        if FAILED in arrays:
            self._failure = arrays[FAILED].tobytes().decode()
        else:
            self._maker.set_state(arrays)

    def finish(self, link: SupervisorLink) -> Report | None:
        """Returns the report, and warns of what it leaves out; None if an error occurred."""
        report: Report | None = None
        try:
            report = None if self._failure else self._maker.result()
        except Exception as error:
            self._fail(error)
        if report is None:
            link.send(Warned(f"The report of the rows could not be made ({self._failure})."))
            return None
        for text in list_exclusions(report):
            link.send(Warned(text))
        return report
