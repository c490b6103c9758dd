"""Rejects requests without a valid API key before their body is read."""

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access.key_cache import KeyCache
from api.access.principal import SCOPE, Principal
from api.problems.handlers import make_error_response
from api.problems.types import UNAUTHORIZED, make_problem_response
from domain.errors import GraphfitError
from models_store.records.keys import hash_secret

PUBLIC = frozenset({"/", "/docs", "/redoc", "/openapi.json", "/healthz", "/readyz"})
"""Paths that need no key; their answers hold nothing of any owner."""
PUBLIC_PREFIXES = ("/docs/files/", "/problems/")
KEY_NEEDED = "Send an API key: `Authorization: Bearer gf_...`. `graphfit keys create` makes one."
KEY_INVALID = "This API key is not valid: it is unknown, or it was revoked."


class KeyCheck:
    """ASGI middleware: every path except the public ones needs a key, unknown paths too."""

    def __init__(self, app: ASGIApp, keys: KeyCache) -> None:
        self.app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http" or is_public(scope["path"]):
            await self.app(scope, receive, send)
            return
        found = await self._authenticate(scope)
        if isinstance(found, Response):
            await _reject(found, scope, receive, send)
        else:
            scope[SCOPE] = found
            await self.app(scope, receive, send)

    async def _authenticate(self, scope: Scope) -> Principal | Response:
        """Returns the request's principal, or the response that rejects it."""
        secret = _get_bearer_token(scope)
        if secret is None:
            return _make_unauthorized(KEY_NEEDED, scope["path"])
        digest = hash_secret(secret)
        try:
            owner = await self._keys.owner_of(digest)
        except GraphfitError as error:
            return make_error_response(error, scope["path"])
        if owner is None:
            return _make_unauthorized(KEY_INVALID, scope["path"])
        return Principal(owner, digest, self._keys)


def is_public(path: str) -> bool:
    """Returns whether a path needs no key."""
    return path in PUBLIC or path.startswith(PUBLIC_PREFIXES)


def _get_bearer_token(scope: Scope) -> str | None:
    """Returns the token of the `Authorization` header; None if there are several headers.

    Two headers are rejected, since a proxy could read another one than this service.
    """
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(given) != 1:
        return None
    scheme, _, secret = given[0].decode("latin-1").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def _make_unauthorized(detail: str, path: str) -> Response:
    return make_problem_response(UNAUTHORIZED, detail, path, headers={"WWW-Authenticate": "Bearer"})


async def _reject(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Sends the response without reading the body; the connection is closed instead."""
    if scope["method"] not in ("GET", "HEAD", "DELETE"):
        response.headers["Connection"] = "close"
    await response(scope, receive, send)
