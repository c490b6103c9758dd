"""`/v1/models`: lists, returns and deletes models, and sends their files."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.access.principal import CurrentPrincipal
from api.dependencies.parameters import ModelPath, Paging, Parts
from api.http.downloads import make_file_response
from api.http.json_response import make_json_response
from api.http.schemas import ModelAnswer, Page
from api.problems.openapi_responses import DELETES, DOWNLOADS, LISTS, READS
from domain.model import Model
from models_store.records import models

router = APIRouter(prefix="/v1/models", tags=["models"])
FileName = Annotated[
    str, Path(alias="name", max_length=64, description="One of the model's `files`.")
]


@router.get("", summary="List models", response_model=Page[ModelAnswer], responses=LISTS)
def list_models(parts: Parts, principal: CurrentPrincipal, paging: Paging) -> Response:
    """Lists models, newest first."""
    with parts.database.read() as connection:
        page = models.get_page(connection, principal.owner, paging.cursor, paging.size)
        items = [make_answer(models.convert_row(connection, row)) for row in page.rows]
    return make_json_response(Page[ModelAnswer](items=items, next_cursor=page.next_cursor))


@router.get("/{id}", summary="Get a model", response_model=ModelAnswer, responses=READS)
def get_model(model_id: ModelPath, parts: Parts, principal: CurrentPrincipal) -> Response:
    """Returns the inputs and outputs, the metrics and the files of a model."""
    with parts.database.read() as connection:
        return make_json_response(make_answer(models.get(connection, principal.owner, model_id)))


@router.delete("/{id}", status_code=204, summary="Delete a model", responses=DELETES)
def delete_model(model_id: ModelPath, parts: Parts, principal: CurrentPrincipal) -> Response:
    """Deletes a model and its files. Models that use it as a layer have their own weights."""
    with parts.database.write() as connection:
        folder = models.delete(connection, principal.owner, model_id)
    parts.predictor.unload(model_id)
    parts.artifacts.delete_prefix(folder)
    return Response(status_code=204)


@router.get(
    "/{id}/files/{name}",
    summary="Download a file",
    response_class=Response,
    responses=DOWNLOADS,
)
def get_file(
    model_id: ModelPath, name: FileName, request: Request, parts: Parts, principal: CurrentPrincipal
) -> Response:
    """Returns a file. The ETag is its sha256; `Range` and `If-Range` resume a download."""
    with parts.database.read() as connection:
        artifact, file = models.get_file(connection, principal.owner, model_id, name)
    return make_file_response(request, parts.artifacts, artifact, file)


router.add_api_route("/{id}/files/{name}", get_file, methods=["HEAD"], include_in_schema=False)


def make_answer(model: Model) -> ModelAnswer:
    """Returns the response body of a model."""
    return ModelAnswer.model_construct(**dict(model))
