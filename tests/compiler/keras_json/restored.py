"""The way in: plain Keras's model, its JSON, our graph, and what that predicts."""

import json
from typing import Any

import keras
import numpy as np

from compiler.entrypoints import read_keras_json
from compiler.model.build import Built, build
from domain.graph.language import Blueprint, GraphDefinition
from domain.graph.rules import faults_of
from domain.keras_json import ReadResult

Json = dict[str, Any]


def reading(document: Any) -> ReadResult:
    """What a client's JSON comes to, by way of the text that the API reads."""
    text = document if isinstance(document, str) else json.dumps(document)
    return ReadResult.model_validate_json(read_keras_json(text))


def definition(document: Any) -> GraphDefinition:
    """The graph of a document in which nothing is wrong."""
    found = reading(document)
    assert found.faults == []
    assert found.definition is not None
    assert faults_of(found.definition) == []
    return found.definition


def shown(document: Any) -> Json:
    """The same as JSON, without what goes unsaid."""
    shown: Json = definition(document).model_dump(by_alias=True, exclude_defaults=True)
    return shown


def faults(document: Any) -> dict[str, str]:
    """Why a document cannot be read, by pointer."""
    found = reading(document)
    assert (found.definition is None) == bool(found.faults)
    return {fault.pointer: fault.detail for fault in found.faults}


def restored(document: Any) -> Built:
    """Our model of a document."""
    return build(Blueprint(definition=definition(document)), None)


def comes_back(model: Any, data: list[Any]) -> Built:
    """Our model of plain Keras's own, after it was found to be the same with equal weights."""
    ours = restored(model.to_json())
    for ours_of, theirs_of in zip(_groups(ours.model), _groups(model), strict=True):
        assert sum(map(_size, ours_of)) == sum(map(_size, theirs_of))
    for weight, other in zip(_ordered(ours.model, model), _ordered(model, ours.model), strict=True):
        weight.assign(other)
    wanted = _in_order(model(_arranged(model, data), training=False))
    got = ours.model(data, training=False)
    for (name, tensor), other in zip(ours.outputs.items(), wanted, strict=True):
        assert tensor.dtype == keras.backend.standardize_dtype(other.dtype)
        np.testing.assert_allclose(got[name], other, rtol=1e-5, atol=1e-6)
    return ours


def _in_order(outputs: Any) -> list[Any]:
    """The tensors in the order of the document, while Keras sorts those of a mapping."""
    if isinstance(outputs, dict):
        outputs = list(outputs.values())
    listed = outputs if isinstance(outputs, list | tuple) else [outputs]
    return [tensor for item in listed for tensor in keras.tree.flatten(item)]


def _groups(model: Any) -> list[list[Any]]:
    return [model.weights, model.trainable_weights]


def _size(weight: Any) -> int:
    return int(np.prod(weight.shape))


def _ordered(model: Any, other: Any) -> list[Any]:
    """The weights by their paths where the two models have the same, else in Keras's order."""
    paths = [sorted(weight.path for weight in one.weights) for one in (model, other)]
    return sorted(model.weights, key=lambda w: w.path) if paths[0] == paths[1] else model.weights


def _arranged(model: Any, data: list[Any]) -> Any:
    """The tensors in the lists and mappings that the model takes."""
    return keras.tree.pack_sequence_as(model._inputs_struct, data)
