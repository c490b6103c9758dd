"""`graphfit serve` restarts its parts, and reports what it cannot do."""

import http.client
import os
import select
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.part import RESTART_SECONDS
from tests.support.engines import Engine
from tests.support.service import ROOT, Service, until


@pytest.mark.slow
def test_killed_parts_are_restarted(engine: Engine, tmp_path: Path) -> None:
    service = engine.service(tmp_path)
    try:
        until(lambda: True if _old_enough(service) else None, "parts that have run for a while")
        before = {name: service.part(name) for name in ("api", "reaper")}
        for part in before.values():
            part.kill()
        until(lambda: True if service.part("reaper").pid != before["reaper"].pid else None, "it")
        # The parent holds the socket: the request waits for the new API instead of failing.
        assert service.client.get("/healthz").status_code == 200
        assert service.part("api").pid != before["api"].pid
    finally:
        service.stop()


def _old_enough(service: Service) -> bool:
    ages = [time.time() - service.part(name).create_time() for name in ("api", "reaper")]
    return min(ages) > RESTART_SECONDS


@pytest.mark.slow
def test_an_idle_connection_stays_open_between_the_requests_of_a_client(service: Service) -> None:
    """A connection that closes as a client sends its next poll loses the answer."""
    host, port = service.address.removeprefix("http://").split(":")
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        for pause in (8, 0):
            connection.sendall(request)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert (answer.status, bool(answer.read())) == (200, True)
            closes, _, _ = select.select([connection], [], [], pause)
            assert not closes


@pytest.mark.slow
def test_a_used_port_is_reported_in_one_line(service: Service, tmp_path: Path) -> None:
    port = service.address.rsplit(":", 1)[1]
    command = [sys.executable, "-m", "cli.main", "serve", "--port", port]
    done = subprocess.run(
        [*command, "--data", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stdout == (
        f"graphfit: cannot listen on 127.0.0.1:{port}: Address already in use. "
        "If Graphfit runs there already, use it; --port chooses another port\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value"), [("GRAPHFIT_AUTH", "none, or keys"), ("GRAPHFIT_MAX_NODES", "many")]
)
def test_an_invalid_setting_is_reported_in_one_line(name: str, value: str) -> None:
    command = [sys.executable, "-m", "cli.main", "serve", "--port", "0"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, name: value},
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"graphfit: {name}: ")
    assert len(done.stderr.splitlines()) == 1
