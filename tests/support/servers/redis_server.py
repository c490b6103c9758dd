"""A Redis server for tests, which tests can flush and kill."""

import socket
import subprocess
import time
from pathlib import Path

import redis

from tests.support.require import require_program

START_SECONDS = 60
DATABASES = 1_000


class RedisServer:
    """A server that keeps everything in memory; it is empty after a kill."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self._command = [require_program("redis-server"), "--bind", "127.0.0.1"]
        self._command += ["--port", str(self.port), "--databases", str(DATABASES)]
        self._command += ["--save", "", "--appendonly", "no"]
        self._log = folder / "redis.log"
        self._used = 0
        self.client = redis.Redis(port=self.port)
        self.start()

    def new_broker(self) -> str:
        """The URL of an unused database of the server."""
        self._used += 1
        return f"redis://127.0.0.1:{self.port}/{self._used}"

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(self._command, stdout=log, stderr=log, cwd="/")
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, "redis-server does not answer"
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def kill(self) -> None:
        """Kills the server; its content is lost."""
        self.process.kill()
        self.process.wait()

    def flush(self) -> None:
        """Deletes everything, queued messages and the bindings of workers included."""
        self.client.flushall()

    def close(self) -> None:
        """Stops the server."""
        self.client.close()
        self.kill()


def free_port() -> int:
    """A port that no process listens on at present."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
