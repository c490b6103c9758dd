"""Walks over JSON Schemas: their inner schemas, and the components that they refer to."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

Schema = dict[str, Any]
REFERENCE = "#/components/schemas/"
"""The beginning of every `$ref` to a component."""
_SINGLE = ("additionalProperties", "contains", "items", "not", "propertyNames")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_MAPPINGS = ("patternProperties", "properties")


def map_inner(schema: Schema, change: Callable[[Schema, str], Schema]) -> Schema:
    """Returns a copy of a schema whose direct inner schemas are changed.

    Args:
        schema: A JSON Schema.
        change: Gets an inner schema and its step: a keyword, or the name of a property.
    """
    copy = dict(schema)
    for keyword in _SINGLE:
        if isinstance(copy.get(keyword), dict):
            copy[keyword] = change(copy[keyword], keyword)
    for keyword in _LISTS:
        if keyword in copy:
            copy[keyword] = [change(inner, keyword) for inner in copy[keyword]]
    for keyword in _MAPPINGS:
        if keyword in copy:
            copy[keyword] = {name: change(inner, name) for name, inner in copy[keyword].items()}
    return copy


def map_all(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """Returns a copy of a schema in which the schema and all inner schemas are changed."""
    return change(map_inner(schema, lambda inner, _: map_all(inner, change)))


def walk(schema: Schema) -> Iterator[Schema]:
    """Yields a schema and all its inner schemas."""
    yield schema
    for inner in _list_inner(schema):
        yield from walk(inner)


def _list_inner(schema: Schema) -> list[Schema]:
    """Returns the direct inner schemas of a schema."""
    found = [schema[keyword] for keyword in _SINGLE if isinstance(schema.get(keyword), dict)]
    for keyword in _LISTS:
        found += schema.get(keyword, ())
    for keyword in _MAPPINGS:
        found += schema.get(keyword, {}).values()
    return found


def get_reference(schema: Schema) -> str | None:
    """Returns the name of the component that a schema refers to; None if it is no reference."""
    reference: str = schema.get("$ref", "")
    return reference.removeprefix(REFERENCE) if reference.startswith(REFERENCE) else None


def find_components(components: dict[str, Schema], roots: Iterable[Schema]) -> set[str]:
    """Returns the names of all components that schemas refer to, directly or indirectly."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        for schema in walk(waiting.pop()):
            name = get_reference(schema)
            if name is not None and name not in found:
                found.add(name)
                waiting.append(components[name])
    return found
