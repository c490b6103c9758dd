"""Refuses to change a resource under a condition that it cannot meet."""

from fastapi import Request

from api.http.etags import check_if_match

_CHANGES = frozenset({"DELETE", "PATCH", "POST"})


async def check_preconditions(request: Request) -> None:
    """Checks the `If-Match` header of a POST, PATCH or DELETE: these have no strong entity tag.

    Raises:
        PreconditionFailed: The header names entity tags instead of `*`.
    """
    if request.method in _CHANGES:
        check_if_match(request.headers.get("if-match"), None)
