from pathlib import Path

import pytest

from tests.worker.training_orders import Jobs


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return Jobs(tmp_path)
