"""Describes the components that requests may name."""

from collections.abc import Iterator
from typing import Any

from compiler.catalogue.descriptions.config_schema import (
    Schema,
    config_schema,
    member_schema,
    reference,
)
from compiler.catalogue.descriptions.docstrings import source_of, summary_of
from compiler.training.allow_list import AllowList
from compiler.training.descriptions.examples import make_example
from compiler.training.descriptions.members import OFFERS, Member, Offer, list_members
from domain.catalogue import Catalogues, ComponentKind, Components, ComponentType, LeftOut

_NO_CONFIG: Schema = {"type": "object", "properties": {}, "additionalProperties": False}
_SUMMARIES = {
    "accuracy": "BinaryAccuracy, CategoricalAccuracy or SparseCategoricalAccuracy, by the shapes "
    "of output and target.",
    "crossentropy": "BinaryCrossentropy, CategoricalCrossentropy or SparseCategoricalCrossentropy, "
    "by the shapes of output and target.",
}
"""Of the names for which Keras chooses the class."""


def describe_components() -> Catalogues:
    """Describe every component of every kind, and list the members of Keras that are left out."""
    return Catalogues(by_kind={kind: _describe(kind, offer) for kind, offer in OFFERS.items()})


def _describe(kind: ComponentKind, offer: Offer) -> Components:
    inner = offer.inner if isinstance(offer, AllowList) else {}
    members = list_members(offer)
    offered = {name for member in members for name in (member.type, *member.names)}
    left_out = {name: why for name, why in offer.left_out.items() if name not in offered}
    return Components(
        items=[_describe_member(kind, offer, member) for member in members],
        left_out=[LeftOut(type=name, reason=why) for name, why in sorted(left_out.items())],
        defs={name: schema for allowed in inner.values() for name, schema in _define(allowed)},
    )


def _describe_member(kind: ComponentKind, offer: Offer, member: Member) -> ComponentType:
    return ComponentType(
        type=member.type,
        kind=kind,
        names=list(member.names),
        summary=summarize(member),
        url=_find_source(member),
        example=make_example(kind, member),
        config_schema=make_schema(offer, member),
    )


def summarize(member: Member) -> str:
    """Return what a component does, in one sentence."""
    return _SUMMARIES[member.type] if member.target is None else summary_of(member.target)


def _find_source(member: Member) -> str | None:
    is_of_keras = member.target is not None and member.target.__module__.startswith("keras.")
    return source_of(member.target) if is_of_keras else None


def make_schema(offer: Offer, member: Member) -> Schema:
    """Return the JSON Schema of a component's config, whose `$ref`s lead into `$defs`."""
    if not member.takes_config:
        return _NO_CONFIG
    schema = config_schema(member.target)
    for argument, allowed in offer.inner.items() if isinstance(offer, AllowList) else ():
        if argument in schema["properties"]:
            schema["properties"][argument] = _allow(schema["properties"][argument], allowed)
    return schema


def _allow(schema: Schema, allowed: AllowList) -> Schema:
    """Return the schema of an argument that also takes a component, or nothing else."""
    about = {key: schema[key] for key in ("description", "default") if key in schema}
    values = {key: value for key, value in schema.items() if key not in about}
    component = reference(_name(allowed))
    return about | (component if allowed.takes_names else {"anyOf": [values, component]})


def _define(allowed: AllowList) -> Iterator[tuple[str, Schema]]:
    """Yield the definitions of the components that an argument takes."""
    name, members = _name(allowed), list_members(allowed)
    forms: list[Any] = [reference(f"{name}.{member.type}") for member in members]
    names = [known for member in members for known in member.names]
    yield name, {"anyOf": [*([{"enum": names}] if names else []), *forms]}
    for member in members:
        types = [known for known, cls in allowed.classes.items() if cls is member.target]
        schema = make_schema(allowed, member)
        yield f"{name}.{member.type}", member_schema({"enum": types}, schema)


def _name(allowed: AllowList) -> str:
    """Return the name of a definition: `schedule` for a learning rate schedule."""
    return allowed.noun.rpartition(" ")[2]
