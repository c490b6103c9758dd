"""With keys: who sends none that lets in gets no further, and none of the body is read."""

from starlette.types import ASGIApp, Receive, Scope, Send

from api.admission import SCOPE, Admission
from api.keys import KeyRing
from api.problems import BUSY, UNAUTHORIZED, problem_response
from domain.errors import Busy
from models_store.keys import digest_of

OPEN = frozenset({"/", "/docs", "/redoc", "/openapi.json", "/healthz", "/readyz"})
"""What anybody may ask: it tells nothing of anybody's."""
OPEN_BELOW = ("/docs/files/", "/problems/")
ASKED = "Send an API key: `Authorization: Bearer gf_...`. `graphfit keys create` makes one."
REFUSED = "This API key lets nobody in: it is not known here, or was revoked."


class KeyCheck:
    """Every address but the open ones asks for a key, those that do not exist too."""

    def __init__(self, app: ASGIApp, ring: KeyRing) -> None:
        self.app = app
        self._ring = ring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http" or is_open(scope["path"]):
            await self.app(scope, receive, send)
            return
        secret = _secret_in(scope)
        if secret is None:
            await _refuse(ASKED, scope, receive, send)
            return
        digest = digest_of(secret)
        try:
            owner = self._ring.at_hand(digest) or await self._ring.owner_of(digest)
        except Busy as error:
            await _come_back(error, scope, receive, send)
            return
        if owner is None:
            await _refuse(REFUSED, scope, receive, send)
            return
        scope[SCOPE] = Admission(owner, digest, self._ring)
        await self.app(scope, receive, send)


def is_open(path: str) -> bool:
    """Whether an address is answered without a key."""
    return path in OPEN or path.startswith(OPEN_BELOW)


def _secret_in(scope: Scope) -> str | None:
    """What the one `Authorization: Bearer` holds; two would let two readers disagree."""
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(given) != 1:
        return None
    scheme, _, secret = given[0].decode("latin-1").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


async def _refuse(detail: str, scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"WWW-Authenticate": "Bearer", **_closing(scope)}
    response = problem_response(UNAUTHORIZED, detail, scope["path"], headers=headers)
    await response(scope, receive, send)


async def _come_back(error: Busy, scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"Retry-After": str(error.retry_after), **_closing(scope)}
    response = problem_response(BUSY, error.detail, scope["path"], headers=headers)
    await response(scope, receive, send)


def _closing(scope: Scope) -> dict[str, str]:
    """A body that nobody reads is not waited for either."""
    return {} if scope["method"] in ("GET", "HEAD", "DELETE") else {"Connection": "close"}
