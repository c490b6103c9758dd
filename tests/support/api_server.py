"""A real server for the API's tests: uvicorn on a free port, SQLite, checks in child processes."""

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from api.app import create_app
from api.dependencies.parameters import Services
from api.settings import Settings
from models_store.database.engine import Database
from models_store.database.migrate import migrate
from models_store.settings import Settings as StoreSettings
from tests.support.service import until


class Server:
    """The API in a thread of this process, so that tests can use its services."""

    def __init__(self, data: Path, settings: Settings) -> None:
        self.data = data
        store_settings = StoreSettings(data=data)
        migrate(Database.from_settings(store_settings))
        self.app = create_app(settings, store_settings)
        self.parts: Services = self.app.state.services
        config = uvicorn.Config(self.app, port=0, log_level="warning", lifespan="on")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        until(lambda: self._server.started or None, "the server")
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        self.client = httpx.Client(base_url=self.address, timeout=60)

    def stop(self) -> None:
        self.client.close()
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(
        tmp_path_factory.mktemp("api"),
        Settings(
            max_json_bytes=1_000_000,
            max_definition_bytes=900_000,
            max_nodes=200,
            max_predict_bytes=1_200,
            max_predict_values=5_000,
            check_wait_seconds=120,  # a burst of checks waits longer on a machine with other work
            predict_prepare_seconds=0,  # tests choose who exports a model
        ),
    )
    until(lambda: running.parts.checker.is_warm or None, "the checker")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that requires API keys."""
    running = Server(tmp_path_factory.mktemp("keyed"), Settings(auth="keys"))
    until(lambda: running.parts.checker.is_warm or None, "the checker")
    yield running
    running.stop()


@pytest.fixture
def client(server: Server) -> httpx.Client:
    return server.client
