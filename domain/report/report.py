"""The report of a model on some rows, and why a job has none."""

from collections.abc import Mapping

from domain.contract import Result
from domain.report.outputs import OutputReport


class OutputLeftOut(Result):
    """An output that the report does not describe."""

    name: str
    reason: str


class Report(Result):
    """How the predictions of a model differ from the targets of some rows."""

    rows: int
    """Number of rows; with windows, that of windows."""
    outputs: dict[str, OutputReport]
    outputs_left_out: list[OutputLeftOut] = []


_WITHOUT: Mapping[str, str] = {
    "build": "A `build` job has no report.",
    "import": "An `import` job has no report.",
    "predict": "A `predict` job has no report. An `evaluate` job compares its predictions with "
    "targets.",
}
"""Why jobs of a kind have no report."""


def explain_absence(kind: str, state: str, *, is_terminal: bool, validates: bool) -> str:
    """Return why a job has no report.

    Args:
        kind: The kind of the job.
        state: Its state.
        is_terminal: Whether the state is final.
        validates: Whether the job has validation rows.
    """
    if kind in _WITHOUT:
        return _WITHOUT[kind]
    if kind == "train" and not validates:
        return (
            "The job has no report, since it has no validation rows: they need "
            "`fit.validation_split` or `validation_dataset`."
        )
    if not is_terminal:
        return f"The job is {state}; its report is made at its end."
    if state != "succeeded":
        return f"The job has no report, since it is {state}."
    return (
        "The job has no report: an older release ran it, or a text in its `warnings` says why the "
        "report could not be made."
    )
