"""From a blueprint to a Keras model."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras

from compiler.catalogue.layers import definition_faults
from compiler.model.graph_pass import Called, GraphPass
from compiler.model.scope import Scope
from compiler.model.size_limits import Meter
from compiler.model.variable_keys import Ledger, Source
from domain.errors import Invalid
from domain.graph.language import Blueprint

_FRAMES = 200_000
"""Keras walks a model recursively, some frames for each node of a chain."""


@dataclass(frozen=True)
class Built:
    """A Keras model with all that Graphfit knows of it."""

    blueprint: Blueprint
    model: Any
    """`keras.Model([inputs in graph order], {output name: tensor})`."""
    variables: Mapping[str, Any]
    """Every variable once by Graphfit's own key, seed states included."""
    sources: tuple[Source, ...]
    """The trained models used as layers, and where their weights belong."""
    nodes: Mapping[str, Called]
    """Of the outermost graph, in the order of the document."""
    outputs: Mapping[str, Any]
    """The symbolic tensors of the model, in graph order."""


def build(blueprint: Blueprint, seed: int | None, meter: Meter | None = None) -> Built:
    """Build a model whose initial weights equal those of the same Keras script.

    Args:
        blueprint: A structurally sound graph (`domain.graph.rules` finds no fault in it).
        seed: For `keras.utils.set_random_seed`; None leaves the random state as it is.
        meter: Stops the build at the node that goes over a limit.

    Raises:
        Invalid: configs, calls or shapes that Keras refuses, each with its pointer.
    """
    faults = definition_faults(blueprint.definition)
    if faults:
        raise Invalid(faults)
    if seed is not None:
        keras.utils.set_random_seed(seed)
    scope = Scope(blueprint.definition, blueprint.sources)
    with deep_stack():
        graph = GraphPass(Ledger(), meter)
        model, outputs, nodes = graph.root(scope)
    variables = graph.ledger.variables(model)
    sources = graph.ledger.sources(variables)
    return Built(blueprint, model, variables, sources, nodes, outputs)


@contextmanager
def deep_stack() -> Iterator[None]:
    """Room for Keras's recursion."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
