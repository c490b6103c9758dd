"""Compares two schemas: does a receiver accept every value that a sender may send?"""

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

from api.openapi.schema_tree import Schema, get_reference

Components: TypeAlias = dict[str, Schema]
_LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")


class Acceptance:
    """Finds why a receiver does not accept, or does not understand, what a sender may send.

    A field that the receiver knows and that the sender no longer sends is a reason as well.
    """

    def __init__(self, sender: Components, receiver: Components) -> None:
        self._sender = sender
        self._receiver = receiver
        self._found: dict[tuple[str, str], list[str]] = {}

    def find_reasons(self, sent: Schema, taken: Schema, place: str) -> list[str]:
        """Returns one line for each reason.

        Args:
            sent: The schema of what is sent.
            taken: The schema of what is accepted.
            place: The place of the value, for the lines; within a component, they name that.
        """
        names = get_reference(sent) or "", get_reference(taken) or ""
        if not all(names):
            return list(self._compare(sent, taken, place))
        if names not in self._found:
            self._found[names] = []  # a schema that contains itself adds nothing
            self._found[names] = list(self._compare(sent, taken, names[0]))
        return self._found[names]

    def _compare(self, sent: Schema, taken: Schema, place: str) -> Iterator[str]:
        sent, taken = _resolve(self._sender, sent), _resolve(self._receiver, taken)
        choices, known = _list_choices(self._sender, sent), _list_choices(self._receiver, taken)
        if len(choices) == 1 and len(known) == 1:
            yield from self._compare_values(choices[0], known[0], place)
            return
        for choice in choices:
            if all(self.find_reasons(choice, schema, place) for schema in known):
                yield f"{place} may be {_name(choice)}, which is not among what is accepted"

    def _compare_values(self, sent: Schema, taken: Schema, place: str) -> Iterator[str]:
        sent, taken = _resolve(self._sender, sent), _resolve(self._receiver, taken)
        yield from _compare_types(sent, taken, place)
        yield from _compare_bounds(sent, taken, place)
        yield from self._compare_fields(sent, taken, place)
        for keyword, step in (("items", "[]"), ("additionalProperties", ".*")):
            if isinstance(sent.get(keyword), dict) and isinstance(taken.get(keyword), dict):
                yield from self.find_reasons(sent[keyword], taken[keyword], place + step)

    def _compare_fields(self, sent: Schema, taken: Schema, place: str) -> Iterator[str]:
        fields, known = sent.get("properties", {}), taken.get("properties", {})
        missing = set(taken.get("required", ())) - set(sent.get("required", ()))
        for name in sorted(missing):
            yield f"{place}.{name} is required, and may be absent"
        for name in sorted(fields.keys() & known.keys()):
            yield from self.find_reasons(fields[name], known[name], f"{place}.{name}")
        if taken.get("additionalProperties") is False:
            if "object" in _list_types(sent) and sent.get("additionalProperties") is not False:
                yield f"{place} may have any field, and only known ones are accepted"
            for name in sorted(fields.keys() - known.keys()):
                yield f"{place}.{name} is not accepted"
        elif "additionalProperties" not in sent:
            for name in sorted(known.keys() - fields.keys() - missing):
                yield f"{place}.{name} is no longer sent"


def _resolve(components: Components, schema: Schema) -> Schema:
    name = get_reference(schema)
    return schema if name is None else _resolve(components, components[name])


def _list_choices(components: Components, schema: Schema) -> list[Schema]:
    """Returns the choices of a union, and of unions in it; else the schema itself."""
    inner = schema.get("anyOf") or schema.get("oneOf")
    if inner is None:
        return [schema]
    found: list[Schema] = []
    for choice in inner:
        resolved = _resolve(components, choice)
        is_union = "anyOf" in resolved or "oneOf" in resolved
        found += _list_choices(components, resolved) if is_union else [choice]
    return found


def _list_types(schema: Schema) -> set[str]:
    kinds = schema.get("type", ())
    found = {kinds} if isinstance(kinds, str) else set(kinds)
    return found | {"integer"} if "number" in found else found


def _list_values(schema: Schema) -> list[Any] | None:
    """Returns the possible values of an enumeration; None if the schema is none."""
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _compare_types(sent: Schema, taken: Schema, place: str) -> Iterator[str]:
    kinds, known = _list_types(sent), _list_types(taken)
    if known and not (kinds and kinds <= known):
        yield f"{place} may be {_join(kinds) or 'anything'}, and only {_join(known)} is accepted"
    values, accepted = _list_values(sent), _list_values(taken)
    if accepted is None:
        return
    if values is None:
        yield f"{place} may have other values than {json.dumps(accepted)}"
        return
    for value in values:
        if value not in accepted:
            yield f"{place} may be {json.dumps(value)}, which is not among what is accepted"


def _compare_bounds(sent: Schema, taken: Schema, place: str) -> Iterator[str]:
    if "pattern" in taken and taken["pattern"] != sent.get("pattern"):
        yield f"{place} has another pattern"
    formats = sent.get("format"), taken.get("format")
    if None not in formats and formats[0] != formats[1] and formats != ("int32", "int64"):
        yield f"{place} has the format {formats[0]}, and {formats[1]} is accepted"
    for names, sign in ((_LOWER_BOUNDS, 1), (_UPPER_BOUNDS, -1)):
        for name in names:
            if name in taken and (name not in sent or sign * (taken[name] - sent[name]) > 0):
                yield f"{place} may exceed the bound {name} {taken[name]}"


def _join(kinds: set[str]) -> str:
    return " or ".join(sorted(kinds))


def _name(schema: Schema) -> str:
    return get_reference(schema) or _join(_list_types(schema)) or "anything"
