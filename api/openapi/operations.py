"""The operations of an OpenAPI document: their ids, and the schemas of their bodies."""

from collections.abc import Iterator
from typing import Any

from fastapi.routing import APIRoute

from api.openapi.schema_tree import Schema

Operation = dict[str, Any]
MediaType = dict[str, Any]


def make_operation_id(route: APIRoute) -> str:
    """Returns the id of an operation: `createJob` for the endpoint `create_job`."""
    first, *others = route.name.split("_")
    return first + "".join(word.title() for word in others)


def list_operations(document: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    """Yields the path of each operation, and the operation."""
    for path, methods in document["paths"].items():
        for operation in methods.values():
            yield path, operation


def list_request_media(operation: Operation) -> list[MediaType]:
    """Returns the media type objects of the request body."""
    return list(operation.get("requestBody", {}).get("content", {}).values())


def list_response_media(operation: Operation) -> list[MediaType]:
    """Returns the media type objects of all responses."""
    responses = operation["responses"].values()
    return [media for response in responses for media in response.get("content", {}).values()]


def list_request_schemas(operation: Operation) -> list[Schema]:
    """Returns the schemas of the parameters and of the request body."""
    parameters = [parameter["schema"] for parameter in operation.get("parameters", ())]
    return parameters + [media["schema"] for media in list_request_media(operation)]


def list_response_schemas(operation: Operation) -> list[Schema]:
    """Returns the schemas of all response bodies."""
    return [media["schema"] for media in list_response_media(operation) if "schema" in media]
