"""Makes the report of a model from the batches of its predictions.

maker = ReportMaker.for_outputs(describe_outputs(recipe, built, targets))
for y_true, y_pred, sample_weight, mask in batches:
    maker.update(y_true, y_pred, sample_weight, mask)
report = maker.result()
"""

from collections.abc import Mapping
from itertools import islice

from domain.report.limits import MOST_OUTPUTS
from domain.report.report import OutputLeftOut, Report
from worker.training.reports.kinds.binary import BinaryComparison
from worker.training.reports.kinds.kind import OutputComparison
from worker.training.reports.kinds.multiclass import ClassesComparison
from worker.training.reports.kinds.multilabel import LabelsComparison
from worker.training.reports.kinds.numbers import NumbersComparison
from worker.training.reports.output import Kind, NoReport, OutputSpec
from worker.training.reports.streams.state import Array, Resumable

Arrays = Mapping[str, Array | None]
"""Arrays of shape (rows, ...) by output."""
KINDS: Mapping[Kind, type[OutputComparison]] = {
    "binary": BinaryComparison,
    "classes": ClassesComparison,
    "labels": LabelsComparison,
    "numbers": NumbersComparison,
}


class ReportMaker(Resumable):
    """Compares predictions with targets, in memory that does not grow with the rows.

    The same rows in the same order give the same bits, whatever the sizes of the batches and
    wherever a state was saved and restored.
    """

    STATE = ("_rows",)
    PARTS = ("_comparisons",)

    def __init__(
        self, comparisons: Mapping[str, OutputComparison], left_out: Mapping[str, str]
    ) -> None:
        """Compares nothing yet.

        Args:
            comparisons: The comparison of each output.
            left_out: The reason why an output is left out, by output.
        """
        self._comparisons = dict(comparisons)
        self._left_out = dict(left_out)
        self._rows = 0

    @classmethod
    def for_outputs(cls, specs: Mapping[str, OutputSpec | NoReport]) -> "ReportMaker":
        """Returns a maker that has seen no rows.

        Args:
            specs: How the predictions of each output are read, in graph order.
        """
        described = {name: spec for name, spec in specs.items() if isinstance(spec, OutputSpec)}
        first = dict(islice(described.items(), MOST_OUTPUTS))
        left_out = {name: spec.reason for name, spec in specs.items() if isinstance(spec, NoReport)}
        for name in islice(described, MOST_OUTPUTS, None):
            left_out[name] = f"A report describes the first {MOST_OUTPUTS} outputs."
        return cls({name: KINDS[spec.kind](spec) for name, spec in first.items()}, left_out)

    @property
    def outputs(self) -> list[str]:
        """The outputs whose predictions and targets are needed."""
        return list(self._comparisons)

    def update(
        self,
        y_true: Arrays,
        y_pred: Arrays,
        sample_weight: Arrays | None = None,
        mask: Arrays | None = None,
    ) -> None:
        """Adds the rows of a batch; arrays of other outputs are ignored.

        Args:
            y_true: The targets, as the losses take them.
            y_pred: The predictions.
            sample_weight: The weights of rows, or of the steps or pixels of rows: their axes are
                the first ones of the predictions.
            mask: False for steps that do not count; axes as those of the weights.

        Raises:
            ValueError: The shapes do not fit.
        """
        rows = 0
        for name, comparison in self._comparisons.items():
            targets, predictions = y_true[name], y_pred[name]
            assert targets is not None
            assert predictions is not None
            weights = None if sample_weight is None else sample_weight.get(name)
            masked = None if mask is None else mask.get(name)
            comparison.update(targets, predictions, weights, masked)
            rows = len(predictions)
        self._rows += rows

    def result(self) -> Report:
        """Returns the report. No batch may follow."""
        return Report(
            rows=self._rows,
            outputs={name: one.finish() for name, one in self._comparisons.items()},
            outputs_left_out=[
                OutputLeftOut(name=name, reason=reason) for name, reason in self._left_out.items()
            ],
        )


def list_exclusions(report: Report) -> list[str]:
    """Returns a text for each output of a report of which something is left out."""
    texts = []
    for name, output in report.outputs.items():
        excluded = output.excluded
        for what, count in excluded.model_dump().items():
            if count:
                fault = "NaN, infinite or no class" if what == "targets" else "NaN or infinite"
                texts.append(
                    f"The report of output '{name}' leaves out {count:,} rows, steps or pixels "
                    f"whose {what} are {fault}."
                )
    return texts
