"""Runs every journey on both engines."""

import pytest

from tests.support.engines import Engine
from tests.support.service import Service


@pytest.fixture(scope="session")
def service(request: pytest.FixtureRequest, engine: Engine) -> Service:
    """The service of the engine, for all journeys that do not damage it."""
    running: Service = request.getfixturevalue(f"{engine.name}_service")
    return running
