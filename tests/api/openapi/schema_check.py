"""Checks values against the schemas of the OpenAPI document."""

from typing import Any

from jsonschema import Draft202012Validator

from api.openapi.schema_tree import Schema, map_all


def check(document: dict[str, Any], schema: Schema, value: Any) -> None:
    """Checks that a value fits a schema of the document, and has no field that it does not name."""
    components = {
        name: map_all(component, _close)
        for name, component in document["components"]["schemas"].items()
    }
    Draft202012Validator({**schema, "components": {"schemas": components}}).validate(value)


def _close(schema: Schema) -> Schema:
    return {"additionalProperties": False, **schema} if "properties" in schema else schema
