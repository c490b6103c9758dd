"""Rejects requests from other hosts and other sites, where the service needs no keys."""

import re
from functools import lru_cache

from starlette.types import ASGIApp, Receive, Scope, Send

from api.access.principal import LOCAL, SCOPE
from api.problems.types import FORBIDDEN_ORIGIN, MISDIRECTED, ProblemType, make_problem_response

_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
"""Stricter than the authority of a URL: no user and no path, which parsers read differently."""


class LoopbackGuard:
    """ASGI middleware that checks the headers Host (DNS rebinding) and Origin (another site)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        rejection = _check_headers(
            b",".join(hosts).decode("latin-1"), b",".join(origins).decode("latin-1")
        )
        if rejection is None:
            scope[SCOPE] = LOCAL
            await self.app(scope, receive, send)
        else:
            kind, detail = rejection
            response = make_problem_response(kind, detail, scope)
            await response(scope, receive, send)


@lru_cache(maxsize=1024)
def _check_headers(host: str, origin: str) -> tuple[ProblemType, str] | None:
    if not _HOST.fullmatch(host):
        return (
            MISDIRECTED,
            f"This service answers on loopback hosts only, not on '{host}'.",
        )
    if origin and origin.lower() not in (f"http://{host}".lower(), f"https://{host}".lower()):
        return FORBIDDEN_ORIGIN, f"Pages of '{origin}' may not call this service."
    return None
