"""Builds the model of a graph by calling Keras, as a person would after reading the graph.

This is a second implementation of the graph language. It shares no code with the compiler.
"""

from dataclasses import dataclass, field
from typing import Any

import keras

from tests.compiler.random_graphs.reference.references import (
    Picks,
    numbered,
    targets,
    tensor_of,
    tensors_of,
)
from tests.compiler.random_graphs.reference.substitutes import (
    Constant,
    copied,
    numbers,
    share_forward,
)

Definition = dict[str, Any]
_HOLDING = {"layer", "backward_layer", "cell", "cells"}
_LISTS = {"concatenate", "stack"}
"""Functions whose first parameter is a list of tensors."""


@dataclass
class Frame:
    """The `layers` of a graph, and those that have been created."""

    layers: dict[str, Any]
    made: dict[str, Any] = field(default_factory=dict)


@dataclass
class Script:
    """The result of the Keras script for one graph."""

    made: list[Any] = field(default_factory=list)
    """All layers in the order of creation; a wrapper comes after the layer that it wraps."""
    constants: list[Constant] = field(default_factory=list)
    model: Any = None
    inputs: list[Any] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    tensors: dict[str, list[Any]] = field(default_factory=dict)
    """The tensors of each node of the outermost graph."""
    layers: dict[str, Any] = field(default_factory=dict)
    """The Keras layer that each node of the outermost graph calls, by node."""

    @property
    def variables(self) -> list[Any]:
        """All variables of the model, seed states included, in the order of their layers."""
        wanted = {id(variable) for variable in self.model.variables}
        found: dict[int, Any] = {}
        for layer in self.made:
            found |= {id(v): v for v in layer.variables if id(v) not in found}
        return [variable for key, variable in found.items() if key in wanted]


def script_of(definition: Definition, seed: int) -> Script:
    """Seed Keras and build the model."""
    keras.utils.set_random_seed(seed)
    script = Script()
    script.inputs, script.outputs, picks, script.layers = _run(definition, [], script)
    names = [node["name"] for node in definition["nodes"]]
    script.tensors = {name: list(picks[name].values()) for name in names}
    script.model = keras.Model(script.inputs, script.outputs)
    return script


def _run(definition: Definition, outer: list[Frame], script: Script) -> Any:
    frames = [*outer, Frame(definition.get("layers", {}))]
    inputs = [keras.Input(i["shape"], dtype=i["dtype"]) for i in definition["inputs"]]
    picks: Picks = {
        item["name"]: {"": tensor}
        for item, tensor in zip(definition["inputs"], inputs, strict=True)
    }
    layers: dict[str, Any] = {}
    waiting = list(definition["nodes"])
    while waiting:
        node = next(n for n in waiting if targets(n["inputs"]) <= picks.keys())
        waiting.remove(node)
        picks[node["name"]], layers[node["name"]] = _call(node, frames, picks, script)
    outputs = {}
    for item in definition["outputs"]:
        name, text = (item, item) if isinstance(item, str) else (item["name"], item["from"])
        outputs[name] = tensor_of(text, picks)
    return inputs, outputs, picks, layers


def _call(node: Any, frames: list[Frame], picks: Any, script: Script) -> Any:
    given = tensors_of(node["inputs"], picks)
    if "op" in node:
        return numbered(_op(node, given)), None
    layer, graph = _layer(node["layer"], frames, script)
    call = dict(node.get("call", {}))
    if "training" in call:
        if not layer.built:
            layer.build(keras.tree.flatten(given)[0].shape)
        script.constants.append(Constant(layer, call.pop("training")))
        return _given(layer, script.constants[-1], graph, given, call)
    return _given(layer, layer, graph, given, call)


def _given(layer: Any, called: Any, graph: Any, given: Any, call: Any) -> Any:
    """Call a layer or its substitute, and name its outputs."""
    if graph is not None:
        names = [item["name"] for item in graph["inputs"]]
        if isinstance(given, dict):
            given = [given[name] for name in names]
        bare = given[0] if isinstance(given, list) and len(names) == 1 else given
        result = keras.tree.flatten(called(bare, **call))
        outputs = [o if isinstance(o, str) else o["name"] for o in graph["outputs"]]
        return dict(zip(outputs, result, strict=True)), layer
    if isinstance(given, dict):
        return numbered(called(**given, **call)), layer
    merging = isinstance(layer, keras.layers.Add.__base__)
    if isinstance(given, list) and len(given) == 1 and not merging:
        given = given[0]
    return numbered(called(given, **call)), layer


def _op(node: Any, given: Any) -> Any:
    function = getattr(keras.ops, node["op"])
    config = {n: numbers(n, value) for n, value in node.get("config", {}).items()}
    if isinstance(given, dict):
        return function(**given, **config)
    if node["op"] == "einsum":
        return function(config["subscripts"], *given)
    if isinstance(given, list) and node["op"] not in _LISTS:
        return function(*given, **config)
    return function(given, **config)


def _layer(item: Any, frames: list[Frame], script: Script) -> tuple[Any, Definition | None]:
    """Return the layer of a definition or shared name; for a graph, also its definition."""
    if not isinstance(item, str):
        return _new_layer(item, frames, script), item.get("graph")
    depth = max(i for i, frame in enumerate(frames) if item in frame.layers)
    frame = frames[depth]
    if item not in frame.made:
        frame.made[item] = _new_layer(frame.layers[item], frames[: depth + 1], script)
    return frame.made[item], frame.layers[item].get("graph")


def _new_layer(item: Any, frames: list[Frame], script: Script) -> Any:
    if item["type"] == "Graph":
        inputs, outputs, _, _ = _run(item["graph"], frames, script)
        given = {id(tensor) for tensor in inputs}
        tensors = [copied(t) if id(t) in given else t for t in outputs.values()]
        layer = keras.Model(
            inputs[0] if len(inputs) == 1 else inputs,
            tensors[0] if len(tensors) == 1 else tensors,
        )
    else:
        config = {n: _argument(n, v, frames, script) for n, v in item["config"].items()}
        layer = getattr(keras.layers, item["type"])(**config)
        if item["type"] == "Bidirectional" and isinstance(item["config"]["layer"], str):
            share_forward(layer, config["layer"])
    script.made.append(layer)
    return layer


def _argument(name: str, value: Any, frames: list[Frame], script: Script) -> Any:
    if name in _HOLDING:
        if isinstance(value, list):
            return [_layer(item, frames, script)[0] for item in value]
        return _layer(value, frames, script)[0]
    for module in (keras.initializers, keras.regularizers):
        if isinstance(value, dict) and hasattr(module, value["type"]):
            return getattr(module, value["type"])(**value["config"])
    return value
