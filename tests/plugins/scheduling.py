"""Share the quick tests out among processes: those that share a service go to one of them.

By file, as `--dist loadfile`, except that a whole room of `ONE_SERVICE` goes together: every
process with a part of it would start the service again, which takes longer than most tests.
"""

from pathlib import PurePosixPath

import pytest
from xdist.scheduler import LoadFileScheduling

ONE_SERVICE = {
    "abuse": "service",
    "docs": "service",
    "journeys": "service",
    "api": "server",
    "application": "server",
}


class ByService(LoadFileScheduling):
    """What goes together is named by the service that it shares, or by its file."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        _tests, room, *_rest = PurePosixPath(file).parts
        return ONE_SERVICE.get(room, file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByService | None:
    """Takes the place of `loadfile` alone."""
    return ByService(config, log) if config.getoption("dist") == "loadfile" else None
