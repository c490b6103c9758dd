"""Short functions to write graphs, build them and list their faults."""

from collections.abc import Mapping, Sequence
from typing import Any

from compiler.catalogue.families import family_of
from compiler.catalogue.layers import Entry
from compiler.model.build import BuiltModel, build
from domain.errors import Invalid
from domain.graph.language import LAYER_ARGUMENTS, Blueprint, GraphDefinition

MODEL = "model_00000000000000000000000000"
OTHER = "model_00000000000000000000000001"


def blueprint(
    definition: Mapping[str, Any], sources: Mapping[str, Blueprint] | None = None
) -> Blueprint:
    return Blueprint(
        definition=GraphDefinition.model_validate(definition), sources=dict(sources or {})
    )


def graph(
    shapes: Mapping[str, Sequence[int | None]], nodes: list[Any], outputs: list[Any], **layers: Any
) -> dict[str, Any]:
    inputs = [{"name": name, "shape": shape} for name, shape in shapes.items()]
    return {"inputs": inputs, "layers": layers, "nodes": nodes, "outputs": outputs}


def layer(kind: str, **config: Any) -> dict[str, Any]:
    return {"type": kind, "config": config}


def make_layer(entry: Entry, config: Mapping[str, Any]) -> Any:
    """Make the Keras layer of a config in which inner layers and components are Keras objects."""
    keras_own = {name for name in config if name in LAYER_ARGUMENTS or family_of(name)}
    arguments = {n: v if n in keras_own else entry.read(n, v) for n, v in config.items()}
    return entry.cls(**arguments, name="it")


def nested(definition: Any) -> dict[str, Any]:
    return {"type": "Graph", "graph": definition}


def node(name: str, made: Any, inputs: Any, **call: Any) -> dict[str, Any]:
    return {"name": name, "layer": made, "inputs": inputs, "call": call}


def build_graph(
    definition: Mapping[str, Any],
    sources: Mapping[str, Blueprint] | None = None,
    seed: int | None = 7,
) -> BuiltModel:
    return build(blueprint(definition, sources), seed)


def find_faults(
    definition: Mapping[str, Any], sources: Mapping[str, Blueprint] | None = None
) -> dict[str, str]:
    """Return the details of the faults of a graph, by pointer."""
    try:
        build_graph(definition, sources)
    except Invalid as refusal:
        return {fault.pointer: fault.detail for fault in refusal.faults}
    return {}
