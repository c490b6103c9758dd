"""The base of the comparisons of all kinds of outputs."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from domain.report.outputs import OutputReport
from worker.training.reports.comparison import Comparison
from worker.training.reports.output import OutputSpec
from worker.training.reports.streams.blocks import Blocks
from worker.training.reports.streams.state import Array, Resumable


class OutputComparison(Resumable, ABC):
    """Compares the predictions of one output with its targets, batch by batch."""

    STATE: ClassVar[tuple[str, ...]] = ("_rows", "_count", "_weight")
    PARTS: ClassVar[tuple[str, ...]] = ("_comparison", "_blocks")

    def __init__(self, spec: OutputSpec) -> None:
        """Compares nothing yet."""
        self._spec = spec
        self._comparison = Comparison(spec)
        self._blocks = Blocks(spec.width, self._add_block)
        self._rows = 0
        """Rows of all batches."""
        self._count = 0
        """Positions that are compared."""
        self._weight = 0.0
        """Sum of their weights."""

    def update(
        self, targets: Array, predictions: Array, weights: Array | None, mask: Array | None
    ) -> None:
        """Adds a batch; see `Comparison.read`."""
        read = self._comparison.read(targets, predictions, weights, mask)
        self._observe(read.targets, read.predictions, read.rows + self._rows)
        self._rows += len(predictions)
        self._blocks.add([read.targets, read.predictions, read.weights])

    def finish(self) -> OutputReport:
        """Returns the report; no batch may follow."""
        self._blocks.flush()
        common = {
            "count": self._count,
            "weight": self._weight,
            "excluded": self._comparison.excluded,
        }
        return self._make_report(common)

    def _observe(self, targets: Array, predictions: Array, rows: Array) -> None:
        """Takes the positions of a batch whose rows count from the first batch."""

    def _add_block(self, targets: Array, predictions: Array, weights: Array | None) -> None:
        self._count += len(targets)
        self._weight += float(len(targets) if weights is None else np.sum(weights))
        self._process(targets, predictions, weights)

    @abstractmethod
    def _process(self, targets: Array, predictions: Array, weights: Array | None) -> None:
        """Adds the positions of a block."""

    @abstractmethod
    def _make_report(self, common: dict[str, Any]) -> OutputReport:
        """Returns the report.

        Args:
            common: The fields that all reports have.
        """
