"""Distributes the quick tests among processes; tests that share a service go to one process.

Tests are distributed by file, as `--dist loadfile` does. A folder in `SHARED` is an exception: each
process that ran a part of it would start the service again, which takes longer than most tests.
"""

from pathlib import PurePosixPath

import pytest
from xdist.scheduler import LoadFileScheduling

SHARED = {
    "tests/abuse": "service",
    "tests/docs": "service",
    "tests/journeys": "service",
    "tests/api": "server",
    "tests/application/submission": "server",
}
"""The service or server that the tests of a folder share."""


def group_of(file: str) -> str:
    """The name of the service that a test file shares with others, else the file itself."""
    folders = map(str, PurePosixPath(file).parents)
    return next((SHARED[folder] for folder in folders if folder in SHARED), file)


class ByService(LoadFileScheduling):
    """Runs the tests of one group in one process; see `group_of`."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByService | None:
    """Replaces the scheduler of `--dist loadfile`; all others stay."""
    return ByService(config, log) if config.getoption("dist") == "loadfile" else None
