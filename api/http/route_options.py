"""Options of a route for the middleware and the query check, declared at its endpoint."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
_ATTRIBUTE = "graphfit_route_options"


@dataclass(frozen=True)
class RouteOptions:
    """The options of a route."""

    takes_upload: bool = False
    """Its body is limited by MAX_UPLOAD_BYTES; other bodies by MAX_JSON_BYTES."""
    is_polled: bool = False
    """Its path ends with the id of a job, whose cached snapshot is sent before routing."""
    free_parameters: str | None = None
    """Prefix of query parameters that the OpenAPI document does not name."""


def set_route_options(options: RouteOptions) -> Callable[[Endpoint], Endpoint]:
    """Attaches options to an endpoint; write it below the decorator of the router."""

    def attach(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _ATTRIBUTE, options)
        return endpoint

    return attach


def get_route_options(route: Any) -> RouteOptions:
    """Returns the options of a route; a route without an endpoint has the defaults."""
    options: RouteOptions = getattr(getattr(route, "endpoint", None), _ATTRIBUTE, RouteOptions())
    return options
