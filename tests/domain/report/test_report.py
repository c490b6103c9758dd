"""Why a job has no report."""

import pytest

from domain.report.report import explain_absence


@pytest.mark.parametrize(
    ("kind", "state", "validates", "words"),
    [
        ("build", "succeeded", False, "A `build` job has no report."),
        ("import", "succeeded", False, "An `import` job has no report."),
        ("predict", "running", False, "An `evaluate` job compares"),
        ("train", "running", False, "`fit.validation_split`"),
        ("train", "running", True, "The job is running; its report is made at its end."),
        ("train", "failed", True, "since it is failed"),
        ("train", "succeeded", True, "an older release"),
        ("evaluate", "queued", False, "The job is queued"),
    ],
)
def test_the_reason(kind: str, state: str, validates: bool, words: str) -> None:
    is_terminal = state in ("succeeded", "failed")
    assert words in explain_absence(kind, state, is_terminal=is_terminal, validates=validates)
