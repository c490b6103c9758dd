"""Runs the API in this process."""

import socket
import sys

import uvicorn

from api.app import create_app
from api.settings import Settings

SHUTDOWN_SECONDS = 3
"""Time for requests in progress; event streams are cut off, and their clients resume."""

KEEP_ALIVE_SECONDS = 75
"""Time after which an idle connection is closed.

It is longer than the pauses of clients that poll: a request that a client sends just as the server
closes its connection gets no answer.
"""


def run(host: str, port: int, fd: int | None = None) -> None:
    """Serves until SIGINT or SIGTERM.

    Args:
        host: The address to listen on; a loopback address if the service has no keys.
        port: The port to listen on.
        fd: The file descriptor of a listening socket; it replaces host and port.
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
        log_level="warning"
        if fd is not None
        else "info",  # `graphfit serve` reports readiness itself
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    # uvicorn's own `fd` treats every socket as a UNIX socket, without TCP_NODELAY
    sockets = None if fd is None else [socket.socket(fileno=fd)]
    uvicorn.Server(config).run(sockets)
