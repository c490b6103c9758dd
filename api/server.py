"""Runs the service in a process of its own."""

import socket
import sys

import uvicorn

from api.app import create_app
from api.settings import Settings

SHUTDOWN_SECONDS = 3
"""For answers under way; event streams are cut, and their clients resume."""


def run(host: str, port: int, fd: int | None = None) -> None:
    """Serves until SIGINT or SIGTERM.

    Args:
        host: Loopback where there are no keys.
        port: To listen on.
        fd: A socket that listens already, instead of the two.
    """
    refusal = Settings().explain_refused_host(host)
    if refusal is not None:
        sys.exit(f"graphfit: {refusal}")
    config = uvicorn.Config(
        create_app(),
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning" if fd is not None else "info",  # `serve` says itself that it is ready
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    # Of its real family: uvicorn's own `fd` takes any for a UNIX socket, without TCP_NODELAY
    sockets = None if fd is None else [socket.socket(fileno=fd)]
    uvicorn.Server(config).run(sockets)
