"""`/v1/datasets`: uploads, lists, returns and deletes datasets."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic_core import to_json

from api.access.principal import CurrentPrincipal, Principal
from api.dependencies.idempotency import Idempotency, IdempotentRequest
from api.dependencies.parameters import DatasetPath, Paging, Parts, Services
from api.http.json_response import make_json_response, mark_non_finite
from api.http.media_types import get_media_type
from api.http.route_options import RouteOptions, set_route_options
from api.http.schemas import Answer, Page
from api.http.uploads import BodyStream, read_in_thread
from api.problems.handlers import UnsupportedMediaType
from api.problems.openapi_responses import CREATES, DELETES, LISTS, READS
from domain.dataset import Dataset
from domain.errors import Conflict, StorageFull
from models_store.datasets import ingest, rows
from models_store.datasets.formats.format import Format
from models_store.datasets.formats.registry import FORMATS
from models_store.ids import new_id
from models_store.records import datasets
from models_store.records.idempotency import Answer as FirstAnswer
from models_store.records.idempotency import Reservation

router = APIRouter(prefix="/v1/datasets", tags=["datasets"])
DatasetName = Annotated[
    str | None,
    Query(
        max_length=512,
        pattern=r"^[^\x00]*$",
        description="The dataset's name, unless the body has one.",
    ),
]
Start = Annotated[int, Query(ge=0, lt=2**63, description="The first row, counted from 0.")]
Count = Annotated[
    int, Query(ge=1, le=rows.MAX_ROWS, description="The largest number of rows to return.")
]


class DatasetAnswer(Answer, Dataset):
    """A dataset."""


class RowsAnswer(Answer):
    """Consecutive rows of every column."""

    start: int
    count: int
    """The number of returned rows; less than requested at the end, or if rows are very long."""
    columns: dict[str, list[Any]]


def _describe_body(upload_format: Format) -> dict[str, Any]:
    """Returns the OpenAPI media type object of an upload format."""
    content: dict[str, Any] = {"schema": upload_format.schema}
    if upload_format.example is not None:
        content["example"] = upload_format.example
    return content


BODIES = {media_type: _describe_body(known) for media_type, known in FORMATS.items()}
"""The `content` of the request body in the OpenAPI document."""


@router.post(
    "",
    status_code=201,
    summary="Upload a dataset",
    response_model=DatasetAnswer,
    responses=CREATES,
    openapi_extra={"requestBody": {"required": True, "content": BODIES}},
)
@set_route_options(RouteOptions(takes_upload=True))
async def create_dataset(
    request: Request,
    parts: Parts,
    principal: CurrentPrincipal,
    once: Idempotency,
    name: DatasetName = None,
) -> Response:
    """Uploads named columns of numbers or booleans with equally many rows.

    The server reads the body as a stream, in the format of its Content-Type. The dtypes of
    the columns are those of the body.
    """
    media_type = get_media_type(request)
    if media_type not in FORMATS:
        known = ", ".join(FORMATS)
        raise UnsupportedMediaType(f"A dataset's Content-Type is one of {known}.")

    def work(incoming: BodyStream) -> Response:
        return _create(parts, principal, once, media_type, name, incoming)

    return await read_in_thread(request, work)


def _create(
    parts: Services,
    principal: Principal,
    once: IdempotentRequest,
    media_type: str,
    name: str | None,
    incoming: BodyStream,
) -> Response:
    reserved = once.reserve()
    if isinstance(reserved, FirstAnswer):
        return once.replay(reserved, ingest.hash_to_end(incoming))
    try:
        dataset = ingest.ingest(
            parts.artifacts,
            new_id("dataset"),
            media_type,
            incoming,
            parts.settings.max_upload_bytes,
            name,
        )
    except BaseException:
        once.release(reserved)
        raise
    return _insert(parts, principal, once, reserved, dataset)


def _insert(
    parts: Services,
    principal: Principal,
    once: IdempotentRequest,
    reserved: Reservation | None,
    dataset: Dataset,
) -> Response:
    try:
        with (
            once.storing(reserved, dataset.sha256) as store_response,
            parts.database.write() as connection,
        ):
            datasets.insert(connection, principal.owner, dataset)
            response = make_json_response(
                _make_answer(dataset), 201, {"Location": f"/v1/datasets/{dataset.id}"}
            )
            store_response(connection, response)
    except (Conflict, StorageFull):  # after any other error the row may exist; the sweep checks it
        ingest.discard(parts.artifacts, dataset.id)
        raise
    return response


@router.get("", summary="List datasets", response_model=Page[DatasetAnswer], responses=LISTS)
def list_datasets(parts: Parts, principal: CurrentPrincipal, paging: Paging) -> Response:
    """Lists datasets, newest first."""
    with parts.database.read() as connection:
        page = datasets.get_page(connection, principal.owner, paging.cursor, paging.size)
        items = [_make_answer(datasets.convert_row(row)) for row in page.rows]
    return make_json_response(Page[DatasetAnswer](items=items, next_cursor=page.next_cursor))


@router.get("/{id}", summary="Get a dataset", response_model=DatasetAnswer, responses=READS)
def get_dataset(dataset_id: DatasetPath, parts: Parts, principal: CurrentPrincipal) -> Response:
    """Returns the columns of a dataset with dtype, shape of a row, and range."""
    return make_json_response(_make_answer(_get(parts, principal, dataset_id)))


@router.get(
    "/{id}/rows",
    summary="Read rows of a dataset",
    response_model=RowsAnswer,
    responses={**LISTS, **READS},
)
def get_rows(
    dataset_id: DatasetPath,
    parts: Parts,
    principal: CurrentPrincipal,
    start: Start = 0,
    count: Count = 100,
) -> Response:
    """Returns stored values; a value that is not finite is `null` and is named in `non_finite`."""
    found = rows.read_rows(parts.artifacts, _get(parts, principal, dataset_id), start, count)
    document = {"start": found.start, "count": found.count, "columns": found.columns}
    return Response(
        to_json(mark_non_finite(document), inf_nan_mode="null"),
        media_type="application/json",
    )


@router.delete("/{id}", status_code=204, summary="Delete a dataset", responses=DELETES)
def delete_dataset(dataset_id: DatasetPath, parts: Parts, principal: CurrentPrincipal) -> Response:
    """Deletes a dataset, unless a job that has not ended uses it. Models do not need it."""
    with parts.database.write() as connection:
        datasets.delete(connection, principal.owner, dataset_id)
    ingest.discard(parts.artifacts, dataset_id)
    return Response(status_code=204)


def _get(parts: Services, principal: Principal, dataset_id: str) -> Dataset:
    with parts.database.read() as connection:
        return datasets.get(connection, principal.owner, dataset_id)


def _make_answer(dataset: Dataset) -> DatasetAnswer:
    return DatasetAnswer.model_construct(**dict(dataset))
