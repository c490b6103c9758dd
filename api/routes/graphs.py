"""`/v1/graphs`: checks, stores, lists, returns and deletes graphs."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import model_validator
from starlette.concurrency import run_in_threadpool

from api.access.principal import CurrentPrincipal, Principal
from api.dependencies.idempotency import Idempotency, StoreResponse
from api.dependencies.parameters import CurrentScope, GraphPath, Paging, Parts, Services
from api.http.json.body import CurrentBody, JsonRoute, ReceivedBody
from api.http.json.response import make_json_response
from api.http.page_response import make_page_response
from api.http.schemas import CheckedGraph, Graph, Page
from api.openapi.examples import load_examples
from api.problems.openapi_responses import CHANGES, CREATES, LISTS, READS
from application.submission import keras_json
from application.submission.graph_draft import GraphDraft
from domain.contract import Contract
from domain.graph.language import Blueprint, GraphDefinition
from domain.graph.summary import Summary
from domain.job.job import Text
from domain.json.source_map import SourceMap
from models_store.records import graphs
from models_store.records.graphs import StoredGraph

router = APIRouter(prefix="/v1/graphs", tags=["graphs"], route_class=JsonRoute)


class GraphRequest(Contract):
    """A graph to check and store, in the graph language or in Keras's own JSON."""

    name: Text | None = None
    definition: GraphDefinition | None = None
    keras_json: str | dict[str, Any] | None = None
    """The result of `model.to_json()` of Keras 3 or 2, as text or as a JSON value."""

    @model_validator(mode="after")
    def _check_form(self) -> "GraphRequest":
        if (self.definition is None) == (self.keras_json is None):
            raise ValueError("exactly one of `definition` and `keras_json` is needed")
        return self


ValidateOnly = Annotated[bool, Query(description="Check the graph without storing it.")]


@router.post(
    "",
    status_code=201,
    summary="Check and store a graph",
    response_model=Graph,
    responses={
        200: {"model": CheckedGraph, "description": "The graph is valid; it is not stored."},
        **CREATES,
    },
    openapi_extra=load_examples("graph"),
)
async def create_graph(
    request: GraphRequest,
    sent: CurrentBody,
    parts: Parts,
    principal: CurrentPrincipal,
    once: Idempotency,
    scope: CurrentScope,
    validate_only: ValidateOnly = False,
) -> Response:
    """Checks a graph with Keras, without creating weights, and stores it.

    The answer gives the exact shape and parameters of every node. A problem lists all faults of the
    graph at once, each with its place.
    """

    def make(store_response: StoreResponse) -> Response:
        return _store(parts, principal, request, sent, store_response)

    async with parts.check_turns.take(principal.owner, scope):
        if validate_only:
            return await run_in_threadpool(_validate, parts, principal, request, sent.json)
        return await run_in_threadpool(once.run, sent.raw, make)


def _validate(parts: Services, principal: Principal, request: GraphRequest, body: Any) -> Response:
    draft, blueprint, summary = _check(parts, principal, request, body)
    seen = CheckedGraph(
        definition=draft.definition,
        renamed=draft.renamed,
        digest=graphs.hash_definition(blueprint.definition),
        summary=summary,
    )
    return make_json_response(seen)


def _store(
    parts: Services,
    principal: Principal,
    request: GraphRequest,
    sent: ReceivedBody,
    store_response: StoreResponse,
) -> Response:
    draft, blueprint, summary = _check(parts, principal, request, sent.json)
    with parts.database.write() as connection:
        stored = graphs.insert(
            connection,
            principal.owner,
            request.name,
            draft.definition,
            blueprint,
            summary,
            draft.renamed,
        )
        response = make_json_response(
            make_answer(stored), 201, {"Location": f"/v1/graphs/{stored.id}"}
        )
        store_response(connection, response)
    return response


def _check(
    parts: Services, principal: Principal, request: GraphRequest, body: Any
) -> tuple[GraphDraft, Blueprint, Summary]:
    draft = _make_draft(parts, request, body)
    with parts.database.read() as connection:
        blueprint = draft.expand(connection, principal.owner, parts.settings)
    return draft, blueprint, draft.check(blueprint, parts.checker, parts.settings)


def _make_draft(parts: Services, request: GraphRequest, body: Any) -> GraphDraft:
    if request.definition is not None:
        return GraphDraft(request.definition, SourceMap(prefix="/definition", body=body))
    return keras_json.read_graph(parts.checker, parts.settings, body["keras_json"], body)


@router.get("", summary="List graphs", response_model=Page[Graph], responses=LISTS)
def list_graphs(
    request: Request, parts: Parts, principal: CurrentPrincipal, paging: Paging
) -> Response:
    """Lists graphs, newest first."""
    with parts.database.read() as connection:
        page = graphs.get_page(connection, principal.owner, paging)
        items = [make_answer(graphs.convert_row(row)) for row in page.rows]
    return make_page_response(request, Page[Graph](items=items, next_cursor=page.next_cursor))


@router.get("/{id}", summary="Get a graph", response_model=Graph, responses=READS)
def get_graph(graph_id: GraphPath, parts: Parts, principal: CurrentPrincipal) -> Response:
    """Returns the definition as it was sent, and its summary."""
    with parts.database.read() as connection:
        return make_json_response(make_answer(graphs.get(connection, principal.owner, graph_id)))


@router.get(
    "/{id}/keras-json",
    summary="Get a graph in Keras's own JSON",
    response_class=JSONResponse,
    responses=READS,
)
async def get_graph_keras_json(
    graph_id: GraphPath, parts: Parts, principal: CurrentPrincipal, scope: CurrentScope
) -> Response:
    """Returns JSON from which `keras.models.model_from_json` makes the same model.

    The weights of a model trained from this graph load from its `model.weights.h5`. A graph that
    Keras's JSON cannot express is refused; the faults name the nodes.
    """
    async with parts.check_turns.take(principal.owner, scope):
        return await run_in_threadpool(_write_keras_json, parts, principal, graph_id)


def _write_keras_json(parts: Services, principal: Principal, graph_id: str) -> Response:
    with parts.database.read() as connection:
        blueprint = graphs.get(connection, principal.owner, graph_id).blueprint
    return JSONResponse(keras_json.write_graph(parts.checker, parts.settings, blueprint))


@router.delete("/{id}", status_code=204, summary="Delete a graph", responses=CHANGES)
def delete_graph(graph_id: GraphPath, parts: Parts, principal: CurrentPrincipal) -> Response:
    """Deletes a graph. Jobs that have ended, and their models, do not need it."""
    with parts.database.write() as connection:
        graphs.delete(connection, principal.owner, graph_id)
    return Response(status_code=204)


def make_answer(stored: StoredGraph) -> Graph:
    """Returns the response body of a stored graph."""
    return Graph(
        id=stored.id,
        name=stored.name,
        definition=stored.definition,
        renamed=stored.renamed,
        digest=stored.digest,
        summary=stored.summary,
        created_at=stored.created_at,
    )
