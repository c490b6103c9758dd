"""HEAD requests, which are routed as GET."""

from starlette.types import Scope

_KEY = "graphfit.head"


def mark_head(scope: Scope) -> None:
    """Lets a HEAD request be routed as GET."""
    scope[_KEY] = True
    scope["method"] = "GET"


def is_head(scope: Scope) -> bool:
    """Returns whether a request is a HEAD request, whose response has no body."""
    return _KEY in scope or scope["method"] == "HEAD"
