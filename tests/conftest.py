"""Plugins of all tests; the modules below define the fixtures."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from domain.errors import Fault

settings.register_profile(
    "untimed",  # a slow machine must not fail a test
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("untimed")

pytest_plugins = [
    "tests.plugins.scheduling",
    "tests.plugins.slow_slice",
    "tests.support.databases",
    "tests.support.servers.buckets",
    "tests.support.stores",
    "tests.support.engines",
    "tests.support.api_server",
]


class Counter:
    """Counts the objects that were made of a class."""

    count = 0


@pytest.fixture
def made_faults(monkeypatch: pytest.MonkeyPatch) -> Counter:
    """Counts the faults that the test makes, so that work is measured instead of time."""
    counter, make = Counter(), Fault.__init__

    def count(self: Fault, **fields: Any) -> None:
        counter.count += 1
        make(self, **fields)

    monkeypatch.setattr(Fault, "__init__", count)
    return counter


@pytest.fixture(scope="session", autouse=True)
def data_of_the_user_is_left_alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Names a data folder for every process that a test starts without one."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GRAPHFIT_DATA", str(tmp_path_factory.mktemp("data")))
        yield
