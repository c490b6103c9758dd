"""Prepares a graph whose layers have not learned their state yet for its check."""

from collections.abc import Iterator, Mapping
from typing import Any

from compiler.model.build import BuiltModel
from domain.errors import Fault
from domain.graph.adaptation import (
    AdaptiveLayer,
    find_adaptive_layers,
    find_ancestors,
    make_placeholder,
    set_states,
)
from domain.graph.language import Blueprint
from domain.graph.walk import Place
from domain.json.pointer import pointer


def fill_placeholders(blueprint: Blueprint) -> Blueprint:
    """Return the blueprint with placeholders for all states that layers have yet to learn."""
    found = find_adaptive_layers(blueprint.definition)
    return fill_states(blueprint, {item.place: make_placeholder(item.layer) for item in found})


def fill_states(blueprint: Blueprint, states: Mapping[Place, Mapping[str, Any]]) -> Blueprint:
    """Return the blueprint with states in its layers, by the places of the layers."""
    definition = set_states(blueprint.definition, states)
    return blueprint.model_copy(update={"definition": definition})


def find_weighted_ancestors(built: BuiltModel, adaptive: list[AdaptiveLayer]) -> Iterator[Fault]:
    """Find layers with untrained weights before a layer that learns its state.

    Args:
        built: The model, built with placeholders.
        adaptive: The layers that learn their state.
    """
    for item in adaptive:
        ancestors = find_ancestors(built.blueprint.definition, item.list_inputs())
        for name, node in built.nodes.items():
            layer = node.layer
            if name in ancestors and layer and layer.type != "Model" and layer.keras.weights:
                detail = (
                    f"'{item.name}' learns its state before the first epoch, when the weights of "
                    f"'{name}' before it are not trained yet."
                )
                yield Fault(pointer=pointer(*item.place), detail=detail)
                break
