"""Programs that a test needs; without them the test is skipped.

With GRAPHFIT_TEST_REQUIRE_ALL=1 the test fails instead of being skipped.
"""

import os
import shutil
from typing import NoReturn

import pytest


def unavailable(reason: str) -> NoReturn:
    """Skips the running test, or fails it if nothing may be missing."""
    if os.environ.get("GRAPHFIT_TEST_REQUIRE_ALL") == "1":
        pytest.fail(f"GRAPHFIT_TEST_REQUIRE_ALL=1, but {reason}", pytrace=False)
    pytest.skip(reason)


def require_program(*names: str) -> str:
    """The path of the first of these programs on PATH. Without any, the test is skipped."""
    for name in names:
        if path := shutil.which(name):
            return path
    unavailable(f"there is no {' or '.join(names)} on PATH")
