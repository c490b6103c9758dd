"""One service for all attacks, which is checked after each attack."""

from collections.abc import Iterator

import pytest

from tests.abuse.watch import Watch
from tests.support.service import Service


@pytest.fixture(scope="session")
def watched(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Watch:
    return Watch(service, tmp_path_factory.mktemp("abuse"))


@pytest.fixture
def watch(watched: Watch) -> Iterator[Watch]:
    watched.begin()
    yield watched
    watched.unharmed()
