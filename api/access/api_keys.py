"""Rejects requests without a valid API key before their body is read."""

from collections.abc import Iterable

from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access.key_cache import KeyCache, get_bearer_token
from api.access.principal import SCOPE, Principal
from api.http.route_options import select_routes
from api.problems.handlers import make_error_response
from api.problems.types import UNAUTHORIZED, make_problem_response
from domain.errors import GraphfitError
from models_store.records.keys import hash_secret

KEY_NEEDED = "Send an API key: `Authorization: Bearer gf_...`. `graphfit keys create` makes one."
KEY_INVALID = "This API key is not valid: it is unknown, or it was revoked."


class KeyCheck:
    """ASGI middleware: every path needs a key, except the paths of public routes.

    It checks before routing: paths without a route need a key too. A public path with a parameter
    makes every path with the same beginning public.
    """

    def __init__(self, app: ASGIApp, keys: KeyCache, routes: Iterable[BaseRoute] = ()) -> None:
        self.app = app
        self._keys = keys
        public = [
            route.path_format.partition("{")
            for route in select_routes(routes, lambda o: o.is_public)
        ]
        self._public_paths = frozenset(start for start, brace, _ in public if not brace)
        self._public_prefixes = tuple(start for start, brace, _ in public if brace)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http" or self._is_public(scope["path"]):
            await self.app(scope, receive, send)
            return
        found = await self._authenticate(scope)
        if isinstance(found, Response):
            await _reject(found, scope, receive, send)
        else:
            scope[SCOPE] = found
            await self.app(scope, receive, send)

    def _is_public(self, path: str) -> bool:
        return path in self._public_paths or path.startswith(self._public_prefixes)

    async def _authenticate(self, scope: Scope) -> Principal | Response:
        """Returns the request's principal, or the response that rejects it."""
        secret = get_bearer_token(scope)
        if secret is None:
            return _make_unauthorized(KEY_NEEDED, scope)
        digest = hash_secret(secret)
        try:
            owner = await self._keys.find_owner(digest)
        except GraphfitError as error:
            return make_error_response(error, scope)
        if owner is None:
            return _make_unauthorized(KEY_INVALID, scope)
        return Principal(owner, digest, self._keys)


def _make_unauthorized(detail: str, scope: Scope) -> Response:
    return make_problem_response(
        UNAUTHORIZED, detail, scope, headers={"WWW-Authenticate": "Bearer"}
    )


async def _reject(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Sends the response without reading the body; the connection is closed instead."""
    if scope["method"] not in ("GET", "HEAD", "DELETE"):
        response.headers["Connection"] = "close"
    await response(scope, receive, send)
