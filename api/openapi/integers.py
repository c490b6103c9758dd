"""Sets the format of integers, so that generated clients choose a type that is wide enough."""

from typing import Any

from api.openapi.operations import (
    list_operations,
    list_request_media,
    list_response_media,
)
from api.openapi.schema_tree import Schema, map_all

_LIMIT = 2**31


def set_integer_formats(document: dict[str, Any]) -> None:
    """Sets `int32` for integers that always fit into 32 bits, and `int64` for all others."""
    components = document["components"]["schemas"]
    for name, schema in components.items():
        components[name] = map_all(schema, _set_format)
    for _, operation in list_operations(document):
        media = list_request_media(operation) + list_response_media(operation)
        for holder in [*operation.get("parameters", ()), *media]:
            if "schema" in holder:
                holder["schema"] = map_all(holder["schema"], _set_format)


def _set_format(schema: Schema) -> Schema:
    kind = schema.get("type")
    if "integer" not in (kind if isinstance(kind, list) else [kind]) or "format" in schema:
        return schema
    return {**schema, "format": "int32" if _is_small(schema) else "int64"}


def _is_small(schema: Schema) -> bool:
    """Returns whether the bounds of an integer are within 32 bits."""
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    return low is not None and high is not None and low >= -_LIMIT and high < _LIMIT
