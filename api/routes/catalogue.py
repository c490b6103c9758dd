"""The catalogues: `/v1/layers` and `/v1/ops` for graphs, `/v1/optimizers` and others for jobs."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api.dependencies.parameters import CurrentConditions, Parts
from api.http.etags import Conditions
from api.problems.openapi_responses import CONDITIONAL, LISTS, READS, Responses
from application.children.document_cache import Document
from domain.catalogue import (
    COLLECTIONS,
    ComponentKind,
    Components,
    ComponentType,
    LayerKind,
    Layers,
    LayerType,
    OpKind,
    Ops,
    OpType,
)

router = APIRouter(prefix="/v1")
UNCHANGED: Responses = {304: {"description": "The document has not changed."}, **CONDITIONAL}
LayerFilter = Annotated[LayerKind | None, Query(description="Only layers of this kind.")]
OpFilter = Annotated[OpKind | None, Query(description="Only functions of this kind.")]
LayerPath = Annotated[str, Path(alias="type", description="The layer's name in Keras: `Dense`.")]
OpPath = Annotated[str, Path(alias="op", description="The function's name in Keras: `mean`.")]
NamePath = Annotated[str, Path(alias="name", description="The component's type or another name.")]


@router.get(
    "/layers",
    summary="List layers",
    response_model=Layers,
    responses=UNCHANGED | LISTS,
    tags=["layers"],
)
def list_layers(parts: Parts, conditions: CurrentConditions, kind: LayerFilter = None) -> Response:
    """Returns every layer that a graph may use, with a JSON Schema of its `config`, on one page.

    `left_out` names the members of `keras.layers` that a graph cannot use, and why.
    """
    return _respond(parts.catalogue.list_layers(kind), conditions)


@router.get(
    "/layers/{type}",
    summary="Get a layer",
    response_model=LayerType,
    responses=UNCHANGED | READS,
    tags=["layers"],
)
def get_layer(layer_type: LayerPath, parts: Parts, conditions: CurrentConditions) -> Response:
    """Returns one layer; its `config_schema` contains every definition that it refers to."""
    return _respond(parts.catalogue.get_layer(layer_type), conditions)


@router.get(
    "/ops",
    summary="List functions",
    response_model=Ops,
    responses=UNCHANGED | LISTS,
    tags=["layers"],
)
def list_ops(parts: Parts, conditions: CurrentConditions, kind: OpFilter = None) -> Response:
    """Returns every function of `keras.ops` that a node may call, on one page.

    `left_out` names the members of `keras.ops` that a node cannot call, and why.
    """
    return _respond(parts.catalogue.list_ops(kind), conditions)


@router.get(
    "/ops/{op}",
    summary="Get a function",
    response_model=OpType,
    responses=UNCHANGED | READS,
    tags=["layers"],
)
def get_op(op: OpPath, parts: Parts, conditions: CurrentConditions) -> Response:
    """Returns one function: the tensors that it takes, and a JSON Schema of its constants."""
    return _respond(parts.catalogue.get_op(op), conditions)


def _add_component_routes(collection: str, kind: ComponentKind) -> None:
    """Adds the routes of the catalogue of one kind of component.

    Args:
        collection: The last part of the catalogue's address, e.g. `losses`.
        kind: The kind of component, e.g. `loss`.
    """

    def list_components(parts: Parts, conditions: CurrentConditions) -> Response:
        return _respond(parts.catalogue.list_components(kind), conditions)

    def get_component(name: NamePath, parts: Parts, conditions: CurrentConditions) -> Response:
        return _respond(parts.catalogue.get_component(kind, name), conditions)

    article = "an" if kind[0] in "aeiou" else "a"
    router.add_api_route(
        f"/{collection}",
        list_components,
        name=f"list_{collection}",
        summary=f"List {collection}",
        description=f"Returns every {kind} that a request may name, with a JSON Schema of its "
        f"`config` and an example, on one page. `left_out` names the other members of Keras's "
        "module, and says why no request may use them.",
        response_model=Components,
        responses=UNCHANGED | LISTS,
        tags=["components"],
    )
    router.add_api_route(
        f"/{collection}/{{name}}",
        get_component,
        name=f"get_{kind}",
        summary=f"Get {article} {kind}",
        description=f"Returns one {kind}, by its type or another of its names; its "
        "`config_schema` contains every definition that it refers to.",
        response_model=ComponentType,
        responses=UNCHANGED | READS,
        tags=["components"],
    )


for _collection, _kind in COLLECTIONS.items():
    _add_component_routes(_collection, _kind)


def _respond(document: Document, conditions: Conditions) -> Response:
    """Returns the document, or 304 if the client already has it."""
    headers = {"ETag": document.etag, "Cache-Control": "private, max-age=300"}
    if conditions.is_unchanged(document.etag):
        return Response(status_code=304, headers=headers)
    return Response(document.body, headers=headers, media_type="application/json")
