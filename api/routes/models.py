"""`/v1/models`: lists, returns and deletes models, and sends their files."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from api.access.principal import CurrentPrincipal
from api.dependencies.idempotency import Idempotency, StoreResponse
from api.dependencies.parameters import CurrentScope, ModelPath, Paging, Parts
from api.http.downloads import make_file_response
from api.http.json.body import CurrentBody, JsonRoute
from api.http.json.response import make_json_response
from api.http.page_response import make_page_response
from api.http.schemas import ModelAnswer, Page
from api.problems.openapi_responses import CHANGES, CREATES, DOWNLOADS, LISTS, READS
from domain.model import Model, ModelRequest
from models_store.records import models

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=JsonRoute)
FileName = Annotated[
    str, Path(alias="name", max_length=64, description="One of the model's `files`.")
]


@router.get("", summary="List models", response_model=Page[ModelAnswer], responses=LISTS)
def list_models(
    request: Request, parts: Parts, principal: CurrentPrincipal, paging: Paging
) -> Response:
    """Lists models, newest first."""
    with parts.database.read() as connection:
        page = models.get_page(connection, principal.owner, paging)
        items = [make_answer(models.convert_row(connection, row)) for row in page.rows]
    return make_page_response(request, Page[ModelAnswer](items=items, next_cursor=page.next_cursor))


@router.post(
    "",
    status_code=201,
    summary="Make a model of a checkpoint",
    response_model=ModelAnswer,
    responses={200: {"description": "The model exists already.", "model": ModelAnswer}, **CREATES},
)
async def create_model(
    request: ModelRequest,
    sent: CurrentBody,
    parts: Parts,
    principal: CurrentPrincipal,
    once: Idempotency,
    scope: CurrentScope,
) -> Response:
    """Makes a model of the weights of an epoch that a job keeps, while it runs or afterwards.

    A checkpoint has one model: a repeated request gets it again, with the status 200.
    """

    def make(store_response: StoreResponse) -> Response:
        found = parts.checkpoint_models.find(principal.owner, request)
        model = found or parts.checkpoint_models.make(principal.owner, request)
        headers = {"Location": f"/v1/models/{model.id}"}
        response = make_json_response(make_answer(model), 201 if found is None else 200, headers)
        with parts.database.write() as connection:
            store_response(connection, response)
        return response

    async with parts.load_turns.take(principal.owner, scope):
        return await run_in_threadpool(once.run, sent.raw, make)


@router.get("/{id}", summary="Get a model", response_model=ModelAnswer, responses=READS)
def get_model(model_id: ModelPath, parts: Parts, principal: CurrentPrincipal) -> Response:
    """Returns the inputs and outputs, the metrics and the files of a model."""
    with parts.database.read() as connection:
        return make_json_response(make_answer(models.get(connection, principal.owner, model_id)))


@router.delete("/{id}", status_code=204, summary="Delete a model", responses=CHANGES)
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
def get_model_file(
    model_id: ModelPath, name: FileName, request: Request, parts: Parts, principal: CurrentPrincipal
) -> Response:
    """Returns a file. The ETag is its sha256; `Range` and `If-Range` resume a download."""
    with parts.database.read() as connection:
        artifact, file = models.get_file(connection, principal.owner, model_id, name)
    return make_file_response(request, parts.artifacts, artifact, file)


def make_answer(model: Model) -> ModelAnswer:
    """Returns the response body of a model."""
    return ModelAnswer.model_construct(**dict(model))
