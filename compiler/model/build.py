"""Builds a Keras model from a blueprint."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras

from compiler.catalogue.layers import find_definition_faults
from compiler.model.corrections.layers import correct_layers
from compiler.model.graph_pass import CalledNode, GraphPass
from compiler.model.scope import Scope
from compiler.model.size_limits import SizeCounter
from compiler.model.variable_keys import Source, VariableKeys
from domain.errors import Invalid
from domain.graph.language import Blueprint

RECURSION_LIMIT = 200_000
"""Keras walks a model recursively, with some frames for each node of a chain."""


@dataclass(frozen=True)
class BuiltModel:
    """A Keras model that was built from a blueprint."""

    blueprint: Blueprint
    model: Any
    """`keras.Model([inputs in graph order], {output name: tensor})`."""
    variables: Mapping[str, Any]
    """Every variable by its key, including the states of seed generators."""
    sources: tuple[Source, ...]
    """The trained models that the graph uses as layers."""
    nodes: Mapping[str, CalledNode]
    """The nodes of the outermost graph, in the order of the document."""
    layers: Mapping[str, Any]
    """Every Keras layer by its path, e.g. `encoder/dense`; a shared layer has one path."""
    outputs: Mapping[str, Any]
    """The symbolic tensors of the model's outputs, in the order of the graph."""


def build(blueprint: Blueprint, seed: int | None, sizes: SizeCounter | None = None) -> BuiltModel:
    """Build a model whose initial weights equal those of the same model in a Keras script.

    Args:
        blueprint: A graph in which `domain.graph.rules` finds no fault.
        seed: The argument of `keras.utils.set_random_seed`; None keeps the random state.
        sizes: Raises Invalid at the node that exceeds a limit.

    Raises:
        Invalid: Keras refuses configs, calls or shapes. Each has one fault.
    """
    faults = find_definition_faults(blueprint.definition)
    if faults:
        raise Invalid(faults)
    correct_layers()
    if seed is not None:
        keras.utils.set_random_seed(seed)
    scope = Scope(blueprint.definition, blueprint.sources)
    with deep_stack():
        graph = GraphPass(VariableKeys(), sizes)
        model, outputs, nodes = graph.build_root(scope)
    variables = graph.keys.find_variables(model)
    sources = graph.keys.find_sources(variables)
    return BuiltModel(blueprint, model, variables, sources, nodes, graph.keys.layers, outputs)


@contextmanager
def deep_stack() -> Iterator[None]:
    """Raise Python's recursion limit for Keras, which walks a model recursively."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
