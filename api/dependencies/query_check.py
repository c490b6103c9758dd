"""Rejects query parameters that an endpoint does not have."""

from typing import Any

from fastapi import Request

from api.http.route_options import get_route_options
from domain.errors import Fault, Invalid, did_you_mean


async def check_query(request: Request) -> None:
    """Checks that the endpoint has every parameter of the query, and that each is given once.

    Raises:
        Invalid: one fault for each parameter that is unknown or repeated.
    """
    if not request.url.query:
        return
    known = _list_parameters(request)
    if known is None:
        return
    free = get_route_options(request.scope["route"]).free_parameters
    given = request.query_params
    wrong = [
        f"There is no parameter '{name}'.{did_you_mean(name, known)}"
        for name in given
        if name not in known and not (free is not None and name.startswith(free))
    ]
    repeated = [name for name in given if len(given.getlist(name)) > 1]
    wrong += [f"`{name}` is given more than once." for name in repeated]
    if "\0" in "".join(part for pair in given.items() for part in pair):
        wrong.append("A query cannot contain the character U+0000.")
    if wrong:
        raise Invalid([Fault(pointer="", detail=detail) for detail in wrong])


def _list_parameters(request: Request) -> set[str] | None:
    """Returns the endpoint's query parameters in the OpenAPI document; None if it is not there."""
    path: str = request.scope["route"].path
    endpoints: dict[str, Any] = request.app.openapi()["paths"].get(path, {})
    endpoint = endpoints.get(request.method.lower())
    if endpoint is None:
        return None
    return {item["name"] for item in endpoint.get("parameters", ()) if item["in"] == "query"}
