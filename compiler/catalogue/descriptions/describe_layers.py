"""Describes the layers that graphs may use."""

from compiler.catalogue.descriptions.call_schema import describe_call
from compiler.catalogue.descriptions.config_schema import config_schema, definitions
from compiler.catalogue.descriptions.docstrings import source_of, summary_of
from compiler.catalogue.layers import CATALOGUE, LEFT_OUT, Entry
from domain.catalogue import Layers, LayerType, LeftOut


def describe_layers() -> Layers:
    """Describe every layer, and list the layers that are left out."""
    return Layers(
        items=[describe_layer(entry) for entry in CATALOGUE.values()],
        left_out=[LeftOut(type=name, reason=why) for name, why in sorted(LEFT_OUT.items())],
        defs=definitions(),
    )


def describe_layer(entry: Entry) -> LayerType:
    """Describe one layer."""
    return LayerType(
        type=entry.type,
        kind=entry.kind,
        alias_of=entry.alias_of,
        summary=summary_of(entry.cls),
        url=source_of(entry.cls),
        call=describe_call(entry.cls),
        config_schema=config_schema(entry.cls, entry.arguments),
    )
