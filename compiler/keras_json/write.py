"""Writes a graph as Keras's JSON, from which Keras loads the same model."""

import json
from typing import Any

import keras

from compiler.keras_json.roundtrip import roundtrip_faults
from compiler.model.build import build, deep_stack
from domain.errors import Fault, Invalid
from domain.graph.keras_json import WriteResult
from domain.graph.language import Blueprint
from domain.json.pointer import pointer

DEFINITION = "definition"
"""The field of a graph resource that has the graph's definition."""


def write(blueprint: Blueprint) -> WriteResult:
    """Write a graph as Keras's `to_json` does, without allocating weights.

    Returns:
        The JSON, or a fault at each part that Keras would load differently.
    """
    faults = list(dict.fromkeys(roundtrip_faults(blueprint, (DEFINITION,))))
    if faults:
        return WriteResult(faults=faults)
    try:
        return WriteResult(keras_json=_config_of(blueprint))
    except NotImplementedError:  # e.g. `clip` with an array as a bound
        detail = "Keras cannot serialize the constants of a function in this graph."
        return WriteResult(faults=[Fault(pointer=pointer(DEFINITION), detail=detail)])
    except Invalid as refusal:
        return WriteResult(faults=[f.at(pointer(DEFINITION) + f.pointer) for f in refusal.faults])


def _config_of(blueprint: Blueprint) -> dict[str, Any]:
    try:
        with keras.StatelessScope(initialize_variables=False):
            model = build(blueprint, seed=None).model
            with deep_stack():
                document = json.loads(model.to_json())
    finally:  # otherwise the next scope of this process would allocate these weights
        keras.utils.clear_session(free_memory=False)
    outputs = document["config"]["output_layers"]  # Keras sorts them by name
    in_order = {name: outputs[name] for name in blueprint.definition.output_names()}
    document["config"]["output_layers"] = in_order
    return document
