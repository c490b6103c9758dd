"""How the service speaks: whom it answers, and how much one request may ask for."""

from typing import Literal

from pydantic import Field

import application.settings

MIB, GIB = 2**20, 2**30
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Where the service may listen without keys: addresses of this machine alone."""


class Settings(application.settings.Settings):
    """Settings of the HTTP API, beside those of what it asks `application` to do."""

    auth: Literal["none", "keys"] = "none"
    """`keys`: every request needs an API key (`graphfit keys create`), and any host may be listened
    on. `none`: no keys, and therefore loopback hosts only."""
    max_json_bytes: int = Field(default=64 * MIB, ge=1)
    """Of a JSON request body; a larger one is refused before it is read."""
    max_upload_bytes: int = Field(default=16 * GIB, ge=1)
    """Of an uploaded dataset."""
    stream_seconds: float = Field(default=900, gt=0)
    """Lifetime of one event stream; a client resumes with `Last-Event-ID`."""

    def explain_refused_host(self, host: str) -> str | None:
        """Why the service may not listen on a host, if it may not."""
        if self.auth == "keys" or host in LOOPBACK:
            return None
        return (
            f"without API keys the service listens on loopback hosts alone, not on {host}; "
            "set GRAPHFIT_AUTH=keys"
        )
