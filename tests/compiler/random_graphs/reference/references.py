"""Resolves the references in a node's `inputs`."""

from typing import Any

import keras

Picks = dict[str, dict[str, Any]]
"""The tensors of each node and input by the names that references use."""


def numbered(result: Any) -> dict[str, Any]:
    return {str(i): tensor for i, tensor in enumerate(keras.tree.flatten(result))}


def _references(inputs: Any) -> list[str]:
    if isinstance(inputs, str):
        return [inputs]
    values = inputs.values() if isinstance(inputs, dict) else inputs
    return [text for value in values for text in _references(value)]


def targets(inputs: Any) -> set[str]:
    return {text.split(":")[0] for text in _references(inputs)}


def tensor_of(text: str, picks: Picks) -> Any:
    target, _, pick = text.partition(":")
    return picks[target][pick] if pick else next(iter(picks[target].values()))


def tensors_of(inputs: Any, picks: Picks) -> Any:
    if isinstance(inputs, str):
        return tensor_of(inputs, picks)
    if isinstance(inputs, list):
        return [tensor_of(text, picks) for text in inputs]
    return {name: tensors_of(value, picks) for name, value in inputs.items()}
