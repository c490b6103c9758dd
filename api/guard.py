"""Without keys: only this machine's own programs and pages are answered."""

from functools import lru_cache
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import FORBIDDEN_ORIGIN, MISDIRECTED, ProblemType, problem_response

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class LoopbackGuard:
    """Checks Host (a name that was rebound to us) and Origin (a page of another site)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        host = origin = b""
        for name, value in scope["headers"]:
            if name == b"host":
                host = value
            elif name == b"origin":
                origin = value
        refused = _refusal(host.decode("latin-1"), origin.decode("latin-1"))
        if refused is None:
            await self.app(scope, receive, send)
        else:
            kind, detail = refused
            await problem_response(kind, detail, scope["path"])(scope, receive, send)


@lru_cache(maxsize=1024)
def _refusal(host: str, origin: str) -> tuple[ProblemType, str] | None:
    if not is_loopback(f"//{host}"):
        return MISDIRECTED, f"This service answers to loopback names only, not to '{host}'."
    if origin and origin.lower() not in (f"http://{host}".lower(), f"https://{host}".lower()):
        return FORBIDDEN_ORIGIN, f"Pages of '{origin}' may not call this service."
    return None


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine by a loopback name."""
    try:
        return (urlsplit(url).hostname or "") in LOOPBACK
    except ValueError:
        return False
