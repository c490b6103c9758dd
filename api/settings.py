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
    """Largest JSON request body; a larger one is rejected before it is read."""
    max_upload_bytes: int = Field(default=16 * GIB, ge=1)
    """Largest uploaded dataset."""
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
