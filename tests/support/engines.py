"""The engines that a service may run on: a test that takes `engine` runs on each of them.

The embedded one with the quick tests, the production one with the slow.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.production import Production, production
from tests.support.service import Service


@dataclass(frozen=True)
class Engine:
    """Stores of one kind."""

    name: str
    settings: Callable[[], dict[str, str]]
    """Those of a service that has them to itself."""

    def service(self, data: Path, **settings: str) -> Service:
        """A new one on them."""
        return Service(data, **self.settings(), **settings)


EMBEDDED = Engine("embedded", dict)
BOTH = ["embedded", pytest.param("production", marks=pytest.mark.slow)]


@pytest.fixture(scope="session")
def production_stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """Servers of this session's own, which its tests share and leave running."""
    with production(tmp_path_factory.mktemp("production")) as stores:
        yield stores


@pytest.fixture(scope="session", params=BOTH)
def engine(request: pytest.FixtureRequest) -> Engine:
    """One after the other."""
    if request.param == EMBEDDED.name:
        return EMBEDDED
    stores: Production = request.getfixturevalue("production_stores")
    return Engine("production", stores.settings)


@pytest.fixture(scope="session")
def embedded_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all tests that do not break it."""
    running = EMBEDDED.service(tmp_path_factory.mktemp("service"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def production_service(
    production_stores: Production, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The same on the other engine."""
    running = Service(tmp_path_factory.mktemp("service"), **production_stores.settings())
    yield running
    running.stop()


@pytest.fixture(scope="session")
def service(embedded_service: Service) -> Service:
    """What most tests mean; journeys run on both engines (`tests/journeys/conftest.py`)."""
    return embedded_service
