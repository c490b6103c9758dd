from pathlib import Path

import pytest

from tests.worker.training_tasks import Jobs


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return Jobs(tmp_path)
