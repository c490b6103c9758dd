"""Runs the API in this process."""

import ctypes
import gc
import socket
import sys

import uvicorn

from api.app import create_app
from api.dependencies.parameters import Services
from api.http.connections.acceptor import Server
from api.http.connections.connection import ConnectionLimits, make_protocol
from api.settings import Settings

SWITCH_SECONDS = 0.0001
"""The time after which a thread that runs Python lets another one run; Python's default is 0.005.

The event loop waits for it after each system call, once for each busy thread. Beside three busy
threads it answered 2,600 times a second instead of 760; the work of the threads took as much
processor time as before (docs/decisions/0023-clients-take-turns-on-the-event-loop.md).
"""

ARENAS = 2
"""The most memory arenas of glibc; its default is eight for each processor.

Each arena keeps memory that its threads have freed. After many uploads at once the API kept 105 MiB
more than before, and with two arenas 55 MiB.
"""
M_ARENA_MAX = -8
"""The number of this option in glibc's malloc.h."""

SHUTDOWN_SECONDS = 3
"""Time for requests in progress; event streams are cut off, and their clients resume."""

BACKLOG = 1024
"""Connections that the kernel keeps until they are accepted.

If a client fills it, the kernel tries the connections of the others again after a second. Those
that their clients have closed already are dropped at once, so that few of them wait.
"""

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
    sys.setswitchinterval(SWITCH_SECONDS)
    _limit_arenas()
    settings = Settings()
    refusal = settings.explain_refused_host(host)
    if refusal is not None:
        sys.exit(f"graphfit: {refusal}")
    app = create_app(settings)
    services: Services = app.state.services
    protocol = make_protocol(
        ConnectionLimits.of(settings),
        settings.max_connections,
        services.keys.find_known_owner if settings.auth == "keys" else None,
    )
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=protocol,
        limit_concurrency=settings.max_connections,
        ws="none",
        backlog=BACKLOG,
        lifespan="on",
        access_log=False,
        log_level="warning"
        if fd is not None
        else "info",  # `graphfit serve` reports readiness itself
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    gc.collect()
    gc.freeze()  # what lives as long as the process need not be visited by each collection
    # uvicorn's own `fd` treats every socket as a UNIX socket, without TCP_NODELAY
    sockets = None if fd is None else [socket.socket(fileno=fd)]
    Server(config).run(sockets)


def _limit_arenas() -> None:
    """Limits the arenas of malloc, where the C library has them."""
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(M_ARENA_MAX, ARENAS)
