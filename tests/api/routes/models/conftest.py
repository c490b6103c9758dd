"""A worker for the API's tests that need models."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.api_server import Server
from tests.support.service import ROOT


@pytest.fixture(scope="package")
def worker(server: Server) -> Iterator[None]:
    """A real worker on the server's data; it takes no job of other folders."""
    command = [sys.executable, "-m", "cli.main", "worker", "--data", str(server.data)]
    process = subprocess.Popen(command, cwd=ROOT)
    yield
    process.terminate()
    process.wait(60)
