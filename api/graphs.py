"""`/v1/graphs`: graphs are checked, kept and given back."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.answers import CheckedGraph, Graph, Page
from api.blueprints import below, drawn, within
from api.checking import checked
from api.dependencies import GraphPath, Owner, Paging, Parts, Services
from api.examples import examples_of
from api.idempotency import Keep, OnceOnly
from api.json_route import JsonRoute, Sent, SentBody
from api.numbers import answer
from api.responses import CREATES, DELETES, LISTS, READS
from domain.contract import Contract
from domain.errors import Invalid
from domain.graph import Blueprint, GraphDefinition
from domain.job import Text
from domain.summary import Summary
from models_store import graphs
from models_store.graphs import StoredGraph

router = APIRouter(prefix="/v1/graphs", tags=["graphs"], route_class=JsonRoute)
PLACE = "definition"


class GraphRequest(Contract):
    """A graph to check and keep."""

    name: Text | None = None
    definition: GraphDefinition


ValidateOnly = Annotated[bool, Query(description="Check the graph and keep nothing.")]


@router.post(
    "",
    status_code=201,
    summary="Check and keep a graph",
    response_model=Graph,
    responses={200: {"model": CheckedGraph, "description": "Only validated."}, **CREATES},
    openapi_extra=examples_of("graph"),
)
def create_graph(
    request: GraphRequest,
    sent: SentBody,
    parts: Parts,
    owner: Owner,
    once: OnceOnly,
    validate_only: ValidateOnly = False,
) -> Response:
    """Checks a graph as Keras would, without making a weight, and keeps it.

    The answer tells every node's exact shape and parameters. Everything wrong with the graph
    comes back at once, each fault at its place.
    """
    if validate_only:
        definition, blueprint, summary = _checked(parts, owner, request, sent.json)
        digest = graphs.digest_of(blueprint.definition)
        return answer(CheckedGraph(definition=definition, digest=digest, summary=summary))

    def make(keep: Keep) -> Response:
        return _kept(parts, owner, request, sent, keep)

    return once.run(sent.raw, make)


def _kept(parts: Services, owner: str, request: GraphRequest, sent: Sent, keep: Keep) -> Response:
    definition, blueprint, summary = _checked(parts, owner, request, sent.json)
    with parts.database.write() as connection:
        stored = graphs.insert(connection, owner, request.name, definition, blueprint, summary)
        response = answer(viewed(stored), 201, {"Location": f"/v1/graphs/{stored.id}"})
        keep(connection, response)
    return response


def _checked(
    parts: Services, owner: str, request: GraphRequest, body: Any
) -> tuple[GraphDefinition, Blueprint, Summary]:
    with parts.database.read() as connection:
        found = drawn(connection, owner, parts.settings, request.definition, (PLACE,))
    if found.faults:
        raise Invalid(within(found.faults, body))
    result = checked(parts.checker, parts.settings, found.blueprint)
    if result.summary is None:
        raise Invalid(within(below(result.faults, f"/{PLACE}"), body))
    return request.definition, found.blueprint, result.summary


@router.get("", summary="List graphs", response_model=Page[Graph], responses=LISTS)
def list_graphs(parts: Parts, owner: Owner, paging: Paging) -> Response:
    """Newest first."""
    with parts.database.read() as connection:
        page = graphs.page(connection, owner, paging.cursor, paging.size)
        items = [viewed(graphs.stored(row)) for row in page.rows]
    return answer(Page[Graph](items=items, next_cursor=page.next_cursor))


@router.get("/{id}", summary="Get a graph", response_model=Graph, responses=READS)
def get_graph(graph_id: GraphPath, parts: Parts, owner: Owner) -> Response:
    """The definition as it was sent, and its summary."""
    with parts.database.read() as connection:
        return answer(viewed(graphs.get(connection, owner, graph_id)))


@router.delete("/{id}", status_code=204, summary="Delete a graph", responses=DELETES)
def delete_graph(graph_id: GraphPath, parts: Parts, owner: Owner) -> Response:
    """Jobs that ended and their models do not need it any more."""
    with parts.database.write() as connection:
        graphs.delete(connection, owner, graph_id)
    return Response(status_code=204)


def viewed(stored: StoredGraph) -> Graph:
    """A stored graph as its owner sees it."""
    return Graph(
        id=stored.id,
        name=stored.name,
        definition=stored.definition,
        digest=stored.digest,
        summary=stored.summary,
        created_at=stored.created_at,
    )
