"""A short fault-injection run; `make chaos` runs long ones."""

from pathlib import Path

import pytest

from tests.chaos.chaos_run import ChaosRun, Options

JOBS, SEED = 20, 20


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_a_short_run_violates_no_invariant(tmp_path: Path) -> None:
    report = ChaosRun(Options(JOBS, SEED), tmp_path, is_printed=False).run()
    assert not report.violations, "\n".join(report.lines())
    assert report.injector.injected
