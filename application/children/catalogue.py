"""The layers that graphs may use, as a child that holds Keras tells them."""

from collections.abc import Iterator, Mapping
from typing import Any

from application.children.cached_answer import AnsweredOnce, Document
from application.children.pool import Checker
from application.settings import Settings
from domain.catalogue import LayerKind, Layers, LayerType, Schema
from domain.entrypoints import Entrypoint
from domain.errors import NotOffered


class Catalogue:
    """What the child said of layers."""

    def __init__(self, checker: Checker, settings: Settings) -> None:
        self._told = AnsweredOnce(checker, settings, Entrypoint.DESCRIBE_LAYERS, Layers)

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
