"""Settings of the HTTP API: access and the limits of a request."""

from typing import Literal

from pydantic import Field

import application.settings

MIB, GIB = 2**20, 2**30
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Hosts that the service may listen on without keys."""


class Settings(application.settings.Settings):
    """Settings of the HTTP API and of `application`, which it calls."""

    auth: Literal["none", "keys"] = "none"
    """`keys`: every request needs an API key (`graphfit keys create`), and the service may listen
    on any host. `none`: no keys; the service listens on loopback hosts only."""
    max_json_bytes: int = Field(default=64 * MIB, ge=1)
    """Largest JSON request body with data: the rows of a prediction, or a job. A larger body is
    rejected before it is read."""
    max_definition_bytes: int = Field(default=4 * MIB, ge=1)
    """Largest JSON request body without data, e.g. a graph."""
    max_upload_bytes: int = Field(default=16 * GIB, ge=1)
    """Largest uploaded dataset."""
    max_header_bytes: int = Field(default=64 * 2**10, ge=1024)
    """Largest request line and headers of a request."""
    header_seconds: float = Field(default=10, gt=0)
    """Time in which the headers of a request must arrive; also how long a new connection may be
    silent."""
    min_body_rate: int = Field(default=512, ge=0)
    """Smallest number of bytes a second at which a request body must arrive; a slower one is a
    408. A client that receives a response more slowly is disconnected."""
    body_idle_seconds: float = Field(default=10, gt=0)
    """Interval at which the rate of a request body, and of a response, is checked."""
    max_connections: int = Field(default=900, ge=1)
    """Maximum number of connections. A further one replaces a connection of the client that has
    most of those that are idle, receive too slowly, or wait for their turn (503)."""
    max_page_bytes: int = Field(default=2 * MIB, ge=1)
    """Size at which a page of a list ends, although more items were requested; `next_cursor` gives
    the rest. An item that is larger has a page of its own."""
    max_event_streams: int = Field(default=100, ge=1)
    """Maximum number of open event streams of one owner (of all clients, in a service without
    keys)."""
    stream_seconds: float = Field(default=900, gt=0)
    """Lifetime of one event stream; a client resumes with `Last-Event-ID`."""

    def explain_refused_host(self, host: str) -> str | None:
        """Returns why the service may not listen on a host; None if it may."""
        if self.auth == "keys" or host in LOOPBACK:
            return None
        return (
            f"without API keys the service listens on loopback hosts only, not on {host}; "
            "set GRAPHFIT_AUTH=keys"
        )
