"""With keys: who sends none that lets in gets no further, and none of the body is read."""

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access.identity import SCOPE, Admission
from api.access.key_cache import KeyRing
from api.problems.handlers import spoken
from api.problems.types import UNAUTHORIZED, problem_response
from domain.errors import GraphfitError
from models_store.records.keys import digest_of

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
        found = await self._admission(scope)
        if isinstance(found, Response):
            await _answer(found, scope, receive, send)
        else:
            scope[SCOPE] = found
            await self.app(scope, receive, send)

    async def _admission(self, scope: Scope) -> Admission | Response:
        """What a request is let in as, or why it is not."""
        secret = _secret_in(scope)
        if secret is None:
            return _refusal(ASKED, scope["path"])
        digest = digest_of(secret)
        try:
            owner = await self._ring.owner_of(digest)
        except GraphfitError as error:
            return spoken(error, scope["path"])
        if owner is None:
            return _refusal(REFUSED, scope["path"])
        return Admission(owner, digest, self._ring)


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


def _refusal(detail: str, path: str) -> Response:
    return problem_response(UNAUTHORIZED, detail, path, headers={"WWW-Authenticate": "Bearer"})


async def _answer(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Nothing is read of a body, and its rest is not waited for."""
    if scope["method"] not in ("GET", "HEAD", "DELETE"):
        response.headers["Connection"] = "close"
    await response(scope, receive, send)
