"""An S3 server for tests: moto in a process of its own; each test uses a new bucket."""

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from models_store.ids import new_id

SERVE = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(*server.get_host_and_port(), flush=True)
sys.stdin.read()
"""


class BucketServer:
    """A server that keeps everything in memory and ends with the process that started it."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        host, port = self.process.stdout.readline().split()
        self.address = f"http://{host}:{port}"

    def settings(self) -> dict[str, str]:
        """The store's settings for a new bucket."""
        bucket = new_id("bucket").replace("_", "-")
        httpx.put(f"{self.address}/{bucket}", timeout=60).raise_for_status()
        return {
            "ARTIFACTS_URL": f"s3://{bucket}/below/a/prefix",
            "S3_ENDPOINT": self.address,
            "S3_ACCESS_KEY": "anybody",
            "S3_SECRET_KEY": "anything",
        }

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def bucket_server() -> Iterator[BucketServer]:
    server = BucketServer()
    yield server
    server.stop()
