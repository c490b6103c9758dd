"""Makes the report of a training: of the kept weights, on the validation rows."""

import logging
from collections.abc import Callable, Mapping

from compiler.model.build import BuiltModel
from domain.check import ColumnSpec
from domain.report.report import Report
from worker.protocol.messages import Warned
from worker.protocol.tasks import TrainTask
from worker.training.reports.describe import describe_outputs
from worker.training.reports.maker import ReportMaker, list_exclusions
from worker.training.reports.predictions import predict_batches
from worker.training.rows.feed import Feed
from worker.training.supervisor_link import SupervisorLink

log = logging.getLogger(__name__)

MOST_ROWS = 1_024
"""The most rows of a batch, unless the training has larger ones."""
ACTIVATION_BYTES = 1 << 26
"""The most bytes of the activations of a batch, unless the training has larger ones."""


def try_report(
    task: TrainTask,
    saved: BuiltModel,
    targets: Mapping[str, ColumnSpec],
    feed: Feed | None,
    link: SupervisorLink,
    on_batch: Callable[[], None],
) -> Report | None:
    """Returns the report; None if there are no validation rows, or if an error occurs.

    An error becomes a warning of the job, since the model is complete.

    Args:
        task: The task.
        saved: The trained model as it is saved.
        targets: The targets as they are fed, by output.
        feed: The validation rows.
        link: The link to the supervisor.
        on_batch: Called after each batch.
    """
    if feed is None:
        return None
    try:
        maker = ReportMaker.for_outputs(describe_outputs(task.recipe, saved, targets))
        for batch in predict_batches(saved.model, feed, maker.outputs, find_batch_size(task)):
            maker.update(*batch)
            link.check()
            on_batch()
        report = maker.result()
    except Exception as error:
        log.exception("%s: the report could not be made", task.job)
        kind = type(error).__name__
        link.send(Warned(f"The report of the validation rows could not be made ({kind})."))
        return None
    for text in list_exclusions(report):
        link.send(Warned(text))
    return report


def find_batch_size(task: TrainTask) -> int:
    """Returns the rows of a batch: as in training, or more if these need little memory."""
    if any(None in tensor.shape[1:] for tensor in task.summary.inputs):
        return task.fit.batch_size  # the bytes of a row are not known
    fitting = ACTIVATION_BYTES // max(1, task.summary.bytes.activations_per_row)
    return max(task.fit.batch_size, min(MOST_ROWS, fitting))
