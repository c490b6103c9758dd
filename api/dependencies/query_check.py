"""Query parameters are as closed as bodies: one that is not known is a fault."""

from typing import Any

from fastapi import Request

from domain.errors import Fault, Invalid, did_you_mean

METADATA = "metadata."
"""The one family of open names: the filters of the list of jobs."""


async def known_parameters(request: Request) -> None:
    """Nothing, when the endpoint knows every parameter of the query, and each is given once.

    Raises:
        Invalid: naming each that is wrong.
    """
    if not request.url.query:
        return
    known = _known(request)
    if known is None:
        return
    given = request.query_params
    wrong = [
        f"There is no parameter '{name}'.{did_you_mean(name, known)}"
        for name in given
        if name not in known and not _is_filter(request, name)
    ]
    twice = [name for name in given if len(given.getlist(name)) > 1]
    wrong += [f"`{name}` is given more than once." for name in twice]
    if "\0" in "".join(part for pair in given.items() for part in pair):
        wrong.append("A query holds no NUL.")
    if wrong:
        raise Invalid([Fault(pointer="", detail=detail) for detail in wrong])


def _known(request: Request) -> set[str] | None:
    """What the endpoint's own documentation names; None for one that has none."""
    path: str = request.scope["route"].path
    endpoints: dict[str, Any] = request.app.openapi()["paths"].get(path, {})
    endpoint = endpoints.get(request.method.lower())
    if endpoint is None:
        return None
    return {item["name"] for item in endpoint.get("parameters", ()) if item["in"] == "query"}


def _is_filter(request: Request, name: str) -> bool:
    return request.url.path == "/v1/jobs" and name.startswith(METADATA)
