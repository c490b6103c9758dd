"""Options of a route for middleware, problem documents and the query check."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.routing import BaseRoute, Mount, Route

PathRoute = Route | Mount
"""A route that has a path."""
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
_ATTRIBUTE = "graphfit_route_options"


@dataclass(frozen=True)
class RouteOptions:
    """The options of a route."""

    is_public: bool = False
    """It needs no API key; its responses contain nothing of any owner."""
    takes_upload: bool = False
    """Its body is limited by MAX_UPLOAD_BYTES."""
    takes_data: bool = False
    """Its body is limited by MAX_JSON_BYTES; bodies without data by MAX_DEFINITION_BYTES."""
    data_fields: tuple[str, ...] = ()
    """The fields of its body with data, if only those have data; the others together are limited
    by MAX_DEFINITION_BYTES."""
    is_polled: bool = False
    """Its path ends with the id of a job, whose cached snapshot is sent before routing."""
    is_quick: bool = False
    """Small predictions of it are answered before routing."""
    free_parameters: tuple[str, ...] = ()
    """Prefixes of query parameters that the OpenAPI document does not name."""
    has_error_field: bool = False
    """Its problem documents also have the field `error` of TensorFlow Serving."""


def set_route_options(options: RouteOptions) -> Callable[[Endpoint], Endpoint]:
    """Attaches options to an endpoint; write it below the decorator of the router."""

    def attach(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _ATTRIBUTE, options)
        return endpoint

    return attach


def get_route_options(route: Any) -> RouteOptions:
    """Returns the options of a route or of a mounted application; the defaults if it has none."""
    endpoint = getattr(route, "endpoint", None) or getattr(route, "app", None)
    options: RouteOptions = getattr(endpoint, _ATTRIBUTE, RouteOptions())
    return options


def select_routes(
    routes: Iterable[BaseRoute], has_option: Callable[[RouteOptions], bool]
) -> list[PathRoute]:
    """Returns the routes whose options have a property, in their order."""
    return [
        route
        for route in routes
        if isinstance(route, PathRoute) and has_option(get_route_options(route))
    ]
