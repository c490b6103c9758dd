"""Rejects query parameters that an endpoint does not have."""

from collections.abc import Iterator
from typing import Any, get_args, get_origin
from urllib.parse import unquote_to_bytes

from fastapi import HTTPException, Request

from api.http.route_options import get_route_options
from api.problems.handlers import list_methods
from domain.errors import Fault, Invalid, did_you_mean

_ATTRIBUTE = "graphfit_query_parameters"
"""The attribute of a route that keeps its query parameters."""


async def check_query(request: Request) -> None:
    """Checks that the endpoint has every parameter of the query.

    Only a parameter that is a list may be given more than once.

    Raises:
        HTTPException: 405, if the path is that of an endpoint with other methods.
        Invalid: the query is not UTF-8, or one fault for each parameter that is unknown or
            repeated.
    """
    query: bytes = request.scope["query_string"]
    if not query:
        return
    if not _is_utf8(query):
        detail = "The query is not percent-encoded UTF-8."
        raise Invalid([Fault(pointer="", detail=detail)])
    known = _list_parameters(request)
    if known is None:
        return
    free = get_route_options(request.scope["route"]).free_parameters
    given = request.query_params
    wrong = [
        f"There is no parameter '{name}'.{did_you_mean(name, known)}"
        for name in given
        if name not in known and not name.startswith(free)
    ]
    repeated = [name for name in given if not known.get(name) and len(given.getlist(name)) > 1]
    wrong += [f"`{name}` is given more than once." for name in repeated]
    if "\0" in "".join(part for pair in given.items() for part in pair):
        wrong.append("A query cannot contain the character U+0000.")
    if wrong:
        _check_method(request)
        raise Invalid([Fault(pointer="", detail=detail) for detail in wrong])


def _check_method(request: Request) -> None:
    """Rejects `GET /v1/models/{id}:predict`, whose path also fits `GET /v1/models/{id}`."""
    methods = list_methods(request)
    if methods and request.method not in methods:
        raise HTTPException(405)


def _is_utf8(query: bytes) -> bool:
    """Returns whether every parameter is text; other bytes would become other characters."""
    try:
        unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        return False
    return query.isascii()


def _list_parameters(request: Request) -> dict[str, bool] | None:
    """Returns the endpoint's query parameters; None if the OpenAPI document lacks the endpoint.

    The values say whether a parameter is a list.
    """
    route = request.scope["route"]
    if not hasattr(route, _ATTRIBUTE):
        setattr(route, _ATTRIBUTE, list_query_parameters(route))
    known: dict[str, bool] | None = getattr(route, _ATTRIBUTE)
    return known


def list_query_parameters(route: Any) -> dict[str, bool] | None:
    """Returns the query parameters of a route; None if the OpenAPI document lacks it.

    The values say whether a parameter is a list. The document itself is made later, since that
    takes more than a second.
    """
    if not getattr(route, "include_in_schema", False):
        return None
    return dict(_collect_parameters(route.dependant))


def _collect_parameters(dependant: Any) -> Iterator[tuple[str, bool]]:
    """Yields the query parameters of an endpoint or a dependency, and of its dependencies."""
    for field in dependant.query_params:
        yield field.alias, _is_list(field.field_info.annotation)
    for inner in dependant.dependencies:
        yield from _collect_parameters(inner)


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(map(_is_list, get_args(annotation)))
