"""The catalogues of the layers, functions and components that a request may use."""

from collections.abc import Iterator, Mapping
from typing import Any

from application.children.document_cache import Document, DocumentCache
from application.children.pool import Checker
from application.settings import Settings
from domain.catalogue import (
    Catalogues,
    ComponentKind,
    Components,
    ComponentType,
    LayerKind,
    Layers,
    LayerType,
    OpKind,
    Ops,
    OpType,
    Schema,
)
from domain.entrypoints import Entrypoint
from domain.errors import NotOffered


class Catalogue:
    """Descriptions of layers, functions and components, made by a child that imports Keras."""

    def __init__(self, checker: Checker, settings: Settings) -> None:
        self._layers = DocumentCache(checker, settings, Entrypoint.DESCRIBE_LAYERS, Layers)
        self._ops = DocumentCache(checker, settings, Entrypoint.DESCRIBE_OPS, Ops)
        self._components = DocumentCache(
            checker, settings, Entrypoint.DESCRIBE_COMPONENTS, Catalogues
        )

    def list_layers(self, kind: LayerKind | None = None) -> Document:
        """Returns the document of all layers, or of the layers of one kind, as `Layers`.

        Raises:
            Busy: no child was free for the first call, or the child did not finish in time.
        """
        return self._layers.get_document(
            f"kind {kind}", lambda result: _select_layers(result, kind)
        )

    def get_layer(self, name: str) -> Document:
        """Returns the document of one layer as `LayerType`; its schema contains all definitions.

        Raises:
            NotOffered: no graph may use a layer of this type; the error says why, or names a
                similar type.
            Busy: no child was free for the first call, or the child did not finish in time.
        """
        return self._layers.get_document(f"type {name}", lambda result: _select_layer(result, name))

    def list_ops(self, kind: OpKind | None = None) -> Document:
        """Returns the document of all functions, or of the functions of one kind, as `Ops`.

        Raises:
            Busy: no child was free for the first call, or the child did not finish in time.
        """
        return self._ops.get_document(f"kind {kind}", lambda result: _select_ops(result, kind))

    def get_op(self, name: str) -> Document:
        """Returns the document of one function as `OpType`.

        Raises:
            NotOffered: no node may call a function of this name; the error says why, or names a
                similar function.
            Busy: no child was free for the first call, or the child did not finish in time.
        """
        return self._ops.get_document(f"op {name}", lambda result: _select_op(result, name))

    def list_components(self, kind: ComponentKind) -> Document:
        """Returns the document of all components of one kind, as `Components`.

        Raises:
            Busy: no child was free for the first call, or the child did not finish in time.
        """
        return self._components.get_document(f"all {kind}", lambda result: result.by_kind[kind])

    def get_component(self, kind: ComponentKind, name: str) -> Document:
        """Returns the document of one component as `ComponentType`; its schema is complete.

        Args:
            kind: The kind of component.
            name: The type of the component, or another of its names.

        Raises:
            NotOffered: no request may name this component; the error says why, or lists the names.
            Busy: no child was free for the first call, or the child did not finish in time.
        """
        return self._components.get_document(
            f"{kind} {name}", lambda result: _select_component(result.by_kind[kind], kind, name)
        )


def _select_layers(layers: Layers, kind: LayerKind | None) -> Layers:
    if kind is None:
        return layers
    items = [item for item in layers.items if item.kind == kind]
    defs = _select_definitions([item.config_schema for item in items], layers.defs)
    return layers.model_copy(update={"items": items, "defs": defs})


def _select_layer(layers: Layers, name: str) -> LayerType:
    for item in layers.items:
        if item.type == name:
            schema = _complete(item.config_schema, layers.defs)
            return item.model_copy(update={"config_schema": schema})
    names = [item.type for item in layers.items]
    reasons = {item.type: item.reason for item in layers.left_out}
    raise NotOffered("layer type", name, names, reasons)


def _select_ops(ops: Ops, kind: OpKind | None) -> Ops:
    items = [item for item in ops.items if kind in (None, item.kind)]
    return ops.model_copy(update={"items": items})


def _select_op(ops: Ops, name: str) -> OpType:
    for item in ops.items:
        if item.op == name:
            return item
    names = [item.op for item in ops.items]
    reasons = {item.op: item.reason for item in ops.left_out}
    raise NotOffered("operation", name, names, reasons)


def _select_component(components: Components, kind: ComponentKind, name: str) -> ComponentType:
    for item in components.items:
        if name == item.type or name in item.names:
            schema = _complete(item.config_schema, components.defs)
            return item.model_copy(update={"config_schema": schema})
    names = [known for item in components.items for known in (item.type, *item.names)]
    reasons = {item.type: item.reason for item in components.left_out}
    raise NotOffered(kind, name, names, reasons)


def _complete(schema: Schema, defs: Mapping[str, Schema]) -> Schema:
    """Returns a schema with the definitions that it refers to."""
    found = _select_definitions(schema, defs)
    return {**schema, **({"$defs": found} if found else {})}  # type: ignore[dict-item]


def _select_definitions(schema: Any, defs: Mapping[str, Schema]) -> dict[str, Schema]:
    """Returns the definitions that a schema refers to, directly or through other definitions."""
    found: dict[str, Schema] = {}
    waiting = list(_find_references(schema))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = defs[name]
            waiting += _find_references(defs[name])
    return dict(sorted(found.items()))


def _find_references(schema: Any) -> Iterator[str]:
    """Yields the names of the definitions that a JSON Schema refers to directly."""
    if isinstance(schema, dict):
        if isinstance(target := schema.get("$ref"), str):
            yield target.removeprefix("#/$defs/")
        schema = list(schema.values())
    if isinstance(schema, list):
        for item in schema:
            yield from _find_references(item)
