"""`/v1/layers`: the layers that a graph may use, enough to draw an editor of models from."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api.dependencies.parameters import IfNoneMatch, Parts
from api.http.etags import matches
from api.problems.responses import LISTS, READS, Responses
from application.children.cached_answer import Document
from domain.catalogue import LayerKind, Layers, LayerType

router = APIRouter(prefix="/v1/layers", tags=["layers"])
UNCHANGED: Responses = {304: {"description": "You have it already."}}
KindFilter = Annotated[LayerKind | None, Query(description="Only layers of this kind.")]
TypePath = Annotated[str, Path(alias="type", description="Keras's name of it, e.g. `Dense`.")]


@router.get("", summary="List layers", response_model=Layers, responses=UNCHANGED | LISTS)
def list_layers(
    parts: Parts, kind: KindFilter = None, if_none_match: IfNoneMatch = None
) -> Response:
    """Every layer that a graph may use, with a JSON Schema of its `config`, on one page.

    What of `keras.layers` is left out is listed with its reason.
    """
    return cached(parts.catalogue.layers(kind), if_none_match)


@router.get("/{type}", summary="Get a layer", response_model=LayerType, responses=UNCHANGED | READS)
def get_layer(layer_type: TypePath, parts: Parts, if_none_match: IfNoneMatch = None) -> Response:
    """One layer; its `config_schema` holds everything that it refers to."""
    return cached(parts.catalogue.layer(layer_type), if_none_match)


def cached(document: Document, if_none_match: str | None) -> Response:
    """The answer, or 304 for who has it already."""
    headers = {"ETag": document.etag, "Cache-Control": "private, max-age=300"}
    if if_none_match is not None and matches(if_none_match, document.etag):
        return Response(status_code=304, headers=headers)
    return Response(document.body, headers=headers, media_type="application/json")
