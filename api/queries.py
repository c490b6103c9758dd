"""Query parameters are as closed as bodies: one that is not known is a fault."""

from typing import Any

from fastapi import Request

from domain.errors import Fault, Invalid, did_you_mean

METADATA = "metadata."
"""The one family of open names: the filters of the list of jobs."""


async def known_parameters(request: Request) -> None:
    """Nothing, when the endpoint knows every parameter of the query.

    Raises:
        Invalid: naming each that it does not know.
    """
    if not request.url.query:
        return
    known = _known(request)
    if known is None:
        return
    faults = [
        Fault(pointer="", detail=f"There is no parameter '{name}'.{did_you_mean(name, known)}")
        for name in request.query_params
        if name not in known and not _is_filter(request, name)
    ]
    if faults:
        raise Invalid(faults)


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
