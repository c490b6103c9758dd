"""Separates the schemas of requests, which are closed, from those of answers, which are open."""

import json
from typing import Any

from api.openapi.operations import (
    list_operations,
    list_request_schemas,
    list_response_media,
    list_response_schemas,
)
from api.openapi.schema_tree import REFERENCE, Schema, find_components, get_reference, map_all, walk


def separate_answers(document: dict[str, Any]) -> None:
    """Opens the schemas of answers for new fields, and removes defaults from requests.

    A closed schema that requests and answers share gets an open twin: `NodeAnswer` for `Node`.
    """
    components: dict[str, Schema] = document["components"]["schemas"]
    operations = [operation for _, operation in list_operations(document)]
    requested = find_components(
        components, [schema for item in operations for schema in list_request_schemas(item)]
    )
    answered = find_components(
        components, [schema for item in operations for schema in list_response_schemas(item)]
    )
    twins = {name: f"{name}Answer" for name in requested & answered if _is_closed(components, name)}
    for name in sorted(answered):
        opened = _open(components[name], twins)
        if name in twins and "title" in opened:
            opened["title"] = twins[name]
        components[twins.get(name, name)] = opened
    for name in requested - (answered - twins.keys()):
        components[name] = map_all(components[name], _describe_defaults)
    for operation in operations:
        for media in list_response_media(operation):
            if "schema" in media:
                media["schema"] = _open(media["schema"], twins)


def _is_closed(components: dict[str, Schema], name: str) -> bool:
    """Returns whether a component, or one that it refers to, refuses unknown fields."""
    names = find_components(components, [components[name]]) | {name}
    return any(
        schema.get("additionalProperties") is False
        for inner in names
        for schema in walk(components[inner])
    )


def _open(schema: Schema, twins: dict[str, str]) -> Schema:
    """Returns the schema of an answer: open, with all fields that are always sent as required."""

    def change(inner: Schema) -> Schema:
        opened = dict(inner)
        if opened.get("additionalProperties") is False:
            del opened["additionalProperties"]
        if "oneOf" in opened:  # open schemas can overlap
            opened["anyOf"] = opened.pop("oneOf")
        name = get_reference(opened)
        if name in twins:
            opened["$ref"] = REFERENCE + twins[name]
        return _require_defaults(opened)

    return map_all(schema, change)


def _require_defaults(schema: Schema) -> Schema:
    """Requires the fields with a default: an answer always has them."""
    properties: dict[str, Schema] = schema.get("properties", {})
    given = [name for name, inner in properties.items() if "default" in inner]
    if not given:
        return schema
    required = {*schema.get("required", ()), *given}
    return {
        **schema,
        "properties": {
            name: {keyword: value for keyword, value in inner.items() if keyword != "default"}
            for name, inner in properties.items()
        },
        "required": [name for name in properties if name in required],
    }


def _describe_defaults(schema: Schema) -> Schema:
    """Moves the defaults of the fields of a request into their descriptions.

    openapi-typescript takes a field with the keyword `default` for one that is always there.
    """
    if "properties" not in schema:
        return schema
    properties = {name: _describe_default(inner) for name, inner in schema["properties"].items()}
    return {**schema, "properties": properties}


def _describe_default(schema: Schema) -> Schema:
    if "default" not in schema:
        return schema
    rest = {keyword: value for keyword, value in schema.items() if keyword != "default"}
    default = schema["default"]
    if isinstance(default, dict | list):  # the fields of an object describe their own defaults
        return rest
    text = f"Default: `{json.dumps(default)}`."
    before = f"{rest['description'].rstrip()} " if "description" in rest else ""
    return {**rest, "description": before + text}
