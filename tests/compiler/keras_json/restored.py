"""Reads the JSON of a Keras model, and compares the model of our graph with the original."""

import json
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from compiler.entrypoints import read_keras_json
from compiler.model.build import BuiltModel, build
from domain.graph.keras_json import ReadResult
from domain.graph.language import Blueprint, GraphDefinition
from domain.graph.rules import find_graph_faults

Json = dict[str, Any]


def read_document(document: Any) -> ReadResult:
    """Return the result of reading Keras's JSON, given as a document or as text."""
    text = document if isinstance(document, str) else json.dumps(document)
    return ReadResult.model_validate_json(read_keras_json(text))


def read_definition(document: Any) -> GraphDefinition:
    """Return the graph of a document without faults."""
    found = read_document(document)
    assert found.faults == []
    assert found.definition is not None
    assert find_graph_faults(found.definition) == []
    return found.definition


def read_graph_json(document: Any) -> Json:
    """Return the graph's definition as JSON, without defaults."""
    document_json: Json = read_definition(document).model_dump(by_alias=True, exclude_defaults=True)
    return document_json


def find_faults(document: Any) -> dict[str, str]:
    """Return the details of a document's faults, by pointer."""
    found = read_document(document)
    assert (found.definition is None) == bool(found.faults)
    return {fault.pointer: fault.detail for fault in found.faults}


def restore(document: Any) -> BuiltModel:
    """Build the model of a document."""
    return build(Blueprint(definition=read_definition(document)), None)


def assert_comes_back(
    model: Any, data: list[Any], change: Callable[[Any], Any] = lambda document: document
) -> BuiltModel:
    """Read a Keras model from its JSON; assert that with equal weights it predicts the same.

    Args:
        model: A Keras model.
        data: An array for each input of the graph, in order.
        change: Changes the parsed JSON before it is read.

    Returns:
        The model built from the graph.
    """
    ours = restore(change(json.loads(model.to_json())))
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
    """Return the tensors in the order of the document; Keras would sort those of a mapping."""
    if isinstance(outputs, dict):
        outputs = list(outputs.values())
    listed = outputs if isinstance(outputs, list | tuple) else [outputs]
    return [tensor for item in listed for tensor in keras.tree.flatten(item)]


def _groups(model: Any) -> list[list[Any]]:
    return [model.weights, model.trainable_weights]


def _size(weight: Any) -> int:
    return int(np.prod(weight.shape))


def _ordered(model: Any, other: Any) -> list[Any]:
    """Return the weights sorted by path if both models have the same paths, else as they are."""
    paths = [sorted(weight.path for weight in one.weights) for one in (model, other)]
    return sorted(model.weights, key=lambda w: w.path) if paths[0] == paths[1] else model.weights


def _arranged(model: Any, data: list[Any]) -> Any:
    """Return the tensors in the lists and mappings that the model takes."""
    return keras.tree.pack_sequence_as(model._inputs_struct, data)
