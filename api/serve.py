"""Runs the service in a process of its own."""

import sys

import uvicorn

from api.app import create_app
from api.guard import is_loopback

GOODBYE_SECONDS = 3
"""For answers under way; event streams are cut, and their clients resume."""


def run(host: str, port: int, fd: int | None = None) -> None:
    """Serves until SIGINT or SIGTERM.

    Args:
        host: Loopback, as there are no keys.
        port: To listen on.
        fd: A socket that listens already, instead of the two.
    """
    if not is_loopback(f"//[{host}]" if ":" in host else f"//{host}"):
        sys.exit(f"Without API keys Graphfit listens on loopback only, not on {host}.")
    config = uvicorn.Config(
        create_app(),
        host=host,
        port=port,
        fd=fd,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=GOODBYE_SECONDS,
    )
    uvicorn.Server(config).run()
