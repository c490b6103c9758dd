"""The layers that graphs may use, as a child that holds Keras tells them."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field, JsonValue

from application.children.cached_answer import AnsweredOnce, Document
from application.children.pool import Checker
from application.settings import Settings
from domain.contract import Contract
from domain.errors import NotOffered

Schema = dict[str, JsonValue]
LayerKind = Literal[
    "core", "convolutional", "pooling", "rnn", "attention", "normalization", "regularization",
    "reshaping", "merging", "activations", "preprocessing", "applications",
]  # fmt: skip


class CallArgument(Contract):
    """Something that a layer is called with."""

    name: str
    required: bool
    field: Literal["inputs", "call"]
    """The field of a node that holds it: `inputs` by this name, or `call`."""
    takes: Literal["tensor", "tensors", "flag"]
    """One reference to a tensor, a list of them, or true or false."""
    value_schema: Schema
    """JSON Schema (2020-12) of what stands for it there."""
    description: str


class LayerType(Contract):
    """A layer that a graph may use."""

    type: str = Field(examples=["Dense"])
    kind: LayerKind
    """Keras's own folder for it."""
    alias_of: str | None
    """The type whose other name this is."""
    summary: str
    url: str
    """Where the rest of Keras's description is."""
    call: list[CallArgument]
    """In their order: a node's `inputs` that are no object go to the first."""
    config_schema: Schema
    """JSON Schema (2020-12) of `config`."""


class LeftOut(Contract):
    """A name of Keras's that no graph may use."""

    type: str
    reason: str


class Layers(Contract):
    """Every layer, or every layer of one kind, on one page."""

    items: list[LayerType]
    left_out: list[LeftOut]
    defs: dict[str, Schema] = Field(alias="$defs")
    """What the `$ref`s of the items' `config_schema` name."""
    next_cursor: None = None


class Catalogue:
    """What the child said of layers."""

    def __init__(self, checker: Checker, settings: Settings) -> None:
        self._told = AnsweredOnce(
            checker, settings, "compiler.catalogue.descriptions.describe_layers.answer", Layers
        )

    def layers(self, kind: LayerKind | None = None) -> Document:
        """All layers, or those of one kind: `Layers`.

        Raises:
            Busy: the first question found no child free.
        """
        return self._told.document(f"kind {kind}", lambda told: _of_kind(told, kind))

    def layer(self, name: str) -> Document:
        """One layer, whose schema holds all that it refers to: a `LayerType`.

        Raises:
            NotOffered: no graph may use a layer of this type; why not, or what is like it.
            Busy: the first question found no child free.
        """
        return self._told.document(f"type {name}", lambda told: _named(told, name))


def _of_kind(everything: Layers, kind: LayerKind | None) -> Layers:
    if kind is None:
        return everything
    items = [item for item in everything.items if item.kind == kind]
    found = _reachable([item.config_schema for item in items], everything.defs)
    return everything.model_copy(update={"items": items, "defs": found})


def _named(everything: Layers, name: str) -> LayerType:
    for item in everything.items:
        if item.type == name:
            found = _reachable(item.config_schema, everything.defs)
            whole = {**item.config_schema, **({"$defs": found} if found else {})}
            return item.model_copy(update={"config_schema": whole})
    names = [item.type for item in everything.items]
    reasons = {item.type: item.reason for item in everything.left_out}
    raise NotOffered("layer type", name, names, reasons)


def _reachable(schema: Any, defs: Mapping[str, Schema]) -> dict[str, Schema]:
    """The definitions that a schema refers to, by way of one another too."""
    found: dict[str, Schema] = {}
    waiting = list(_references(schema))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = defs[name]
            waiting += _references(defs[name])
    return dict(sorted(found.items()))


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(target := schema.get("$ref"), str):
            yield target.removeprefix("#/$defs/")
        schema = list(schema.values())
    if isinstance(schema, list):
        for item in schema:
            yield from _references(item)
