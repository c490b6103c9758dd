"""The endpoints of uploads and datasets with a database and a store, served by uvicorn."""

import threading
from pathlib import Path
from types import SimpleNamespace

import httpx
import uvicorn
from fastapi import FastAPI

from api.access.loopback import LoopbackGuard
from api.http.bodies.uploads import MOST_UPLOADS
from api.http.turns import Turns
from api.middleware.body_limit import BodyLimit
from api.middleware.head import HeadRequests
from api.problems.handlers import add_handlers
from api.routes import datasets, uploads
from api.settings import Settings
from models_store.database.engine import Database
from models_store.database.migrate import migrate
from models_store.files.store import ArtifactStore
from models_store.uploads.receiver import Uploads
from tests.support.service import until

HOURS = 1.0


class UploadServer:
    """A server in a thread of this process; several of them may share a database and a store."""

    def __init__(self, folder: Path, store: ArtifactStore, limit: int) -> None:
        self.store = store
        self.database = Database(f"sqlite:///{folder / 'graphfit.sqlite'}")
        migrate(self.database)
        settings = Settings(max_upload_bytes=limit)
        self.uploads = Uploads(self.database, store, HOURS)
        app = FastAPI()
        app.state.services = SimpleNamespace(
            settings=settings,
            database=self.database,
            artifacts=store,
            uploads=self.uploads,
            upload_turns=Turns(MOST_UPLOADS, settings.check_wait_seconds, "uploads"),
        )
        app.include_router(datasets.router)
        app.include_router(uploads.router)
        add_handlers(app)
        routes = [*datasets.router.routes, *uploads.router.routes]
        app.add_middleware(BodyLimit, settings=settings, routes=routes)
        app.add_middleware(HeadRequests)
        app.add_middleware(LoopbackGuard)
        self._uvicorn = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
        self._thread = threading.Thread(target=self._uvicorn.run)
        self._thread.start()
        self.address: tuple[str, int] = until(self._find_address, "the server")
        self.url = "http://{}:{}".format(*self.address)
        self.client = httpx.Client(base_url=self.url, timeout=60)

    def _find_address(self) -> tuple[str, int] | None:
        servers = self._uvicorn.servers if self._uvicorn.started else ()
        for server in servers:
            host, port = server.sockets[0].getsockname()[:2]
            return str(host), int(port)
        return None

    def stop(self) -> None:
        """Stops the server."""
        self.client.close()
        self._uvicorn.should_exit = True
        self._thread.join()
        self.database.close()

    def parts(self) -> list[str]:
        """The keys of the parts in the store."""
        return sorted(file.key for file in self.store.files("uploads"))
