"""Tests that share a service run in one process; all others are distributed by file."""

from pathlib import Path

import pytest

from tests.plugins.scheduling import SHARED, group_of
from tests.support.service import ROOT


@pytest.mark.parametrize(
    ("file", "group"),
    [
        ("tests/journeys/test_kills.py", "service"),
        ("tests/api/routes/models/test_predict.py", "server"),
        ("tests/application/submission/test_check.py", "server"),
        ("tests/application/children/test_pool.py", "tests/application/children/test_pool.py"),
        ("tests/test_layout.py", "tests/test_layout.py"),
    ],
)
def test_a_file_is_grouped_by_the_service_that_it_shares(file: str, group: str) -> None:
    assert group_of(file) == group


@pytest.mark.parametrize("folder", SHARED)
def test_each_shared_folder_has_tests(folder: str) -> None:
    assert list(Path(ROOT, folder).rglob("test_*.py"))


def test_every_file_that_needs_the_api_server_shares_it() -> None:
    files = [path for path in Path(ROOT, "tests").rglob("test_*.py") if path != Path(__file__)]
    users = [path for path in files if "api_server import Server" in path.read_text()]
    assert users
    assert {group_of(path.relative_to(ROOT).as_posix()) for path in users} == {"server"}
