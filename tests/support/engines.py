"""The engines of a service: a test with the fixture `engine` runs on each of them.

The quick tests run on the embedded engine, the slow tests on the production engine.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.production import Production, production
from tests.support.service import Service


@dataclass(frozen=True)
class Engine:
    """The stores that a service runs on."""

    name: str
    settings: Callable[[], dict[str, str]]
    """Makes the settings of a service with stores of its own."""

    def service(self, data: Path, workers: int = 1, /, **settings: str) -> Service:
        """Runs a new service on new stores."""
        return Service(data, workers, **self.settings(), **settings)


EMBEDDED = Engine("embedded", dict)
BOTH = ["embedded", pytest.param("production", marks=pytest.mark.slow)]


@pytest.fixture(scope="session")
def production_stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """Servers that all tests of the session share; a test must not stop them."""
    with production(tmp_path_factory.mktemp("production")) as stores:
        yield stores


@pytest.fixture(scope="session", params=BOTH)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn."""
    if request.param == EMBEDDED.name:
        return EMBEDDED
    stores: Production = request.getfixturevalue("production_stores")
    return Engine("production", stores.settings)


@pytest.fixture(scope="session")
def embedded_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An embedded service for all tests that do not damage it."""
    running = EMBEDDED.service(tmp_path_factory.mktemp("service"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def production_service(
    production_stores: Production, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A production service for all tests that do not damage it."""
    running = Service(tmp_path_factory.mktemp("service"), **production_stores.settings())
    yield running
    running.stop()


@pytest.fixture(scope="session")
def service(embedded_service: Service) -> Service:
    """The embedded service; journeys override this fixture (`tests/journeys/conftest.py`)."""
    return embedded_service
