"""From a definition as sent to a blueprint that names no stored graph, or to its faults."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Connection

from application.settings import Settings
from domain.errors import Fault, NotFound
from domain.graph.call_count import call_faults
from domain.graph.expand import Expansion
from domain.graph.language import Blueprint, GraphDefinition
from domain.graph.limits import Limits, limit_faults
from domain.graph.rules import faults_of
from domain.graph.walk import Place
from models_store.records import graphs, models


@dataclass(frozen=True)
class Drawn:
    """A blueprint, only of use without faults."""

    blueprint: Blueprint
    faults: list[Fault]


def drawn(
    connection: Connection,
    owner: str,
    settings: Settings,
    definition: GraphDefinition,
    place: Place,
) -> Drawn:
    """The blueprint of a definition, and everything structurally wrong with it.

    Args:
        place: Where the definition lies in the request's body.
    """
    limits = limits_of(settings)
    faults = limit_faults(definition, limits, place)
    if faults:
        return Drawn(Blueprint(definition=definition), faults)
    expansion = Expansion(
        graph_of=_known(lambda id_: graphs.get(connection, owner, id_).blueprint),
        model_of=_known(lambda id_: models.definition(connection, owner, id_)[0]),
    )
    blueprint = expansion.blueprint(definition, place)
    faults = [*faults_of(definition, limits, place), *expansion.faults]
    faults += limit_faults(blueprint.definition, limits, place)
    return Drawn(blueprint, faults or call_faults(blueprint, limits, place))


def limits_of(settings: Settings) -> Limits:
    """How much one graph may hold."""
    return Limits(
        nodes=settings.max_nodes,
        layers=settings.max_layers,
        depth=settings.max_graph_depth,
        references=settings.max_references,
        calls=settings.max_calls,
        values=settings.max_values,
        name_length=settings.max_name_length,
    )


def _known(find: Callable[[str], Blueprint]) -> Callable[[str], Blueprint | None]:
    @cache
    def look(identifier: str) -> Blueprint | None:
        try:
            return find(identifier)
        except NotFound:
            return None

    return look
