"""What a test needs from the machine: found, or the test is skipped.

Under GRAPHFIT_TEST_REQUIRE_ALL=1 nothing may be missing, so what would skip fails.
"""

import os
import shutil
from typing import NoReturn

import pytest


def unavailable(reason: str) -> NoReturn:
    """Skip the running test, or fail it where everything has to be there."""
    if os.environ.get("GRAPHFIT_TEST_REQUIRE_ALL") == "1":
        pytest.fail(f"GRAPHFIT_TEST_REQUIRE_ALL=1, but {reason}", pytrace=False)
    pytest.skip(reason)


def require_program(*names: str) -> str:
    """The path of the first of these programs found on PATH."""
    for name in names:
        if path := shutil.which(name):
            return path
    unavailable(f"there is no {' or '.join(names)} on PATH")
