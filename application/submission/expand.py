"""Expands a graph definition to a blueprint, which contains every stored graph and model."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Connection

from application.settings import Settings
from domain.errors import Fault, NotFound
from domain.graph.call_count import find_call_faults
from domain.graph.expand import Expansion
from domain.graph.language import Blueprint, GraphDefinition
from domain.graph.limits import Limits, find_limit_faults
from domain.graph.rules import find_graph_faults
from domain.graph.walk import Place
from models_store.records import graphs, models


@dataclass(frozen=True)
class ExpandedGraph:
    """The result of an expansion."""

    blueprint: Blueprint
    """Valid only if there are no faults."""
    faults: list[Fault]


def expand_graph(
    connection: Connection,
    owner: str,
    settings: Settings,
    definition: GraphDefinition,
    place: Place,
) -> ExpandedGraph:
    """Returns the blueprint of a definition and all its structural faults.

    Args:
        connection: An open transaction that reads stored graphs and models.
        owner: The owner of the stored graphs and models.
        settings: The limits of one graph.
        definition: The graph as sent.
        place: The place of the definition in the request body.
    """
    limits = get_graph_limits(settings)
    faults = find_limit_faults(definition, limits, place)
    if faults:
        return ExpandedGraph(Blueprint(definition=definition), faults)
    expansion = Expansion(
        graph_of=_make_optional(lambda id_: graphs.get(connection, owner, id_).blueprint),
        model_of=_make_optional(lambda id_: models.get_definition(connection, owner, id_)[0]),
    )
    blueprint = expansion.blueprint(definition, place)
    faults = [*find_graph_faults(definition, limits, place), *expansion.faults]
    faults += find_limit_faults(blueprint.definition, limits, place)
    return ExpandedGraph(blueprint, faults or find_call_faults(blueprint, limits, place))


def get_graph_limits(settings: Settings) -> Limits:
    """Returns the limits of one graph."""
    return Limits(
        nodes=settings.max_nodes,
        layers=settings.max_layers,
        depth=settings.max_graph_depth,
        references=settings.max_references,
        calls=settings.max_calls,
        values=settings.max_values,
        name_length=settings.max_name_length,
    )


def _make_optional(find: Callable[[str], Blueprint]) -> Callable[[str], Blueprint | None]:
    """Returns a cached `find` that gives None instead of raising `NotFound`."""

    @cache
    def find_or_none(identifier: str) -> Blueprint | None:
        try:
            return find(identifier)
        except NotFound:
            return None

    return find_or_none
