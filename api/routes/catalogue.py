"""`/v1/layers` and `/v1/ops`: the catalogue of what a node of a graph may use."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api.dependencies.parameters import IfNoneMatch, Parts
from api.http.etags import matches
from api.problems.openapi_responses import LISTS, READS, Responses
from application.children.document_cache import Document
from domain.catalogue import LayerKind, Layers, LayerType, OpKind, Ops, OpType

router = APIRouter(prefix="/v1", tags=["layers"])
UNCHANGED: Responses = {304: {"description": "The document has not changed."}}
LayerFilter = Annotated[LayerKind | None, Query(description="Only layers of this kind.")]
OpFilter = Annotated[OpKind | None, Query(description="Only functions of this kind.")]
LayerPath = Annotated[str, Path(alias="type", description="The layer's name in Keras: `Dense`.")]
OpPath = Annotated[str, Path(alias="op", description="The function's name in Keras: `mean`.")]


@router.get("/layers", summary="List layers", response_model=Layers, responses=UNCHANGED | LISTS)
def list_layers(
    parts: Parts, kind: LayerFilter = None, if_none_match: IfNoneMatch = None
) -> Response:
    """Returns every layer that a graph may use, with a JSON Schema of its `config`, on one page.

    `left_out` names the members of `keras.layers` that a graph cannot use, and why.
    """
    return _respond(parts.catalogue.list_layers(kind), if_none_match)


@router.get(
    "/layers/{type}", summary="Get a layer", response_model=LayerType, responses=UNCHANGED | READS
)
def get_layer(layer_type: LayerPath, parts: Parts, if_none_match: IfNoneMatch = None) -> Response:
    """Returns one layer; its `config_schema` contains every definition that it refers to."""
    return _respond(parts.catalogue.get_layer(layer_type), if_none_match)


@router.get("/ops", summary="List functions", response_model=Ops, responses=UNCHANGED | LISTS)
def list_ops(parts: Parts, kind: OpFilter = None, if_none_match: IfNoneMatch = None) -> Response:
    """Returns every function of `keras.ops` that a node may call, on one page.

    `left_out` names the members of `keras.ops` that a node cannot call, and why.
    """
    return _respond(parts.catalogue.list_ops(kind), if_none_match)


@router.get(
    "/ops/{op}", summary="Get a function", response_model=OpType, responses=UNCHANGED | READS
)
def get_op(op: OpPath, parts: Parts, if_none_match: IfNoneMatch = None) -> Response:
    """Returns one function: the tensors that it takes, and a JSON Schema of its constants."""
    return _respond(parts.catalogue.get_op(op), if_none_match)


def _respond(document: Document, if_none_match: str | None) -> Response:
    """Returns the document, or 304 if the client already has it."""
    headers = {"ETag": document.etag, "Cache-Control": "private, max-age=300"}
    if if_none_match is not None and matches(if_none_match, document.etag):
        return Response(status_code=304, headers=headers)
    return Response(document.body, headers=headers, media_type="application/json")
