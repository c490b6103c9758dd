"""`/v1/datasets`: uploads, lists, returns and deletes datasets."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from api.access.principal import CurrentPrincipal, Principal
from api.dependencies.idempotency import Idempotency, IdempotentRequest
from api.dependencies.parameters import ContentDigest, DatasetPath, Paging, Parts, Services
from api.dependencies.read_options import (
    PREFIXES,
    CurrentReadOptions,
    locate_in_query,
    read_form_options,
)
from api.http.block_stream import BlockStream
from api.http.bodies.content_encoding import refuse_encoded_body
from api.http.bodies.dataset_upload import DatasetUpload, check_media_type, open_upload
from api.http.bodies.digests import CheckedBody, parse_digests
from api.http.bodies.forms import FILE, MEDIA_TYPE
from api.http.bodies.uploads import BodyStream, read_in_thread
from api.http.json.non_finite import mark_non_finite
from api.http.json.response import encode_in_parts, make_json_response
from api.http.page_response import make_page_response
from api.http.route_options import RouteOptions, set_route_options
from api.http.schemas import Answer, Page
from api.problems.openapi_responses import CHANGES, CREATES, DIGESTS, LISTS, READS
from domain.dataset import Column, Dataset
from domain.errors import Conflict, Fault, Invalid, NotFound, StorageFull
from domain.formats.read_options import ReadOptions
from models_store.datasets import ingest, rows
from models_store.datasets.distribution import Distribution, describe_values
from models_store.datasets.formats.body import MAX_DATASET_NAME_LENGTH
from models_store.datasets.formats.format import Format
from models_store.datasets.formats.registry import FORMATS
from models_store.datasets.output.registry import OUTPUTS, OutputName, write_dataset
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


class ColumnAnswer(Answer, Column, Distribution):
    """A column, and how its values are distributed."""


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


FORM: dict[str, Any] = {
    "schema": {
        "type": "object",
        "description": "A form with a file, whose own type or name tells the format. The fields "
        "before the file stand for parameters of the query.",
        "required": [FILE],
        "properties": {FILE: {"type": "string", "format": "binary"}},
        "additionalProperties": {"type": "string"},
    }
}
BODIES = {
    **{media_type: _describe_body(known) for media_type, known in FORMATS.items()},
    MEDIA_TYPE: FORM,
}
"""The `content` of the request body in the OpenAPI document."""


@router.post(
    "",
    status_code=201,
    summary="Upload a dataset",
    response_model=DatasetAnswer,
    responses={**CREATES, **DIGESTS},
    openapi_extra={"requestBody": {"required": True, "content": BODIES}},
)
@set_route_options(RouteOptions(takes_upload=True, free_parameters=PREFIXES))
async def create_dataset(
    request: Request,
    parts: Parts,
    principal: CurrentPrincipal,
    once: Idempotency,
    options: CurrentReadOptions,
    name: DatasetName = None,
    content_digest: ContentDigest = None,
) -> Response:
    """Uploads named columns with equally many rows.

    The server reads the body as a stream, in the format of its Content-Type, or as a form with a
    file. The dtypes of
    the columns are those of the body, or those that the body's values have. For tables,
    `?dtype.<column>=int32` sets a dtype, `?shape.<column>=8,8` the shape of a row, and
    `?vector.<name>=pixel_*` joins the columns `pixel_0`, `pixel_1`, ... into one.
    """
    check_media_type(request)
    refuse_encoded_body(request)
    digests = parse_digests(request)

    def work(incoming: BodyStream) -> Response:
        body = CheckedBody(incoming, digests)
        upload = open_upload(request, body)
        fields = [field for field in upload.fields if field[0] != "name"]
        all_options = read_form_options(options, fields) if fields else options
        named = dict(upload.fields).get("name", name)
        return _create(parts, principal, once, upload, _check_name(named), all_options, body.check)

    return await read_in_thread(request, principal.owner, parts.upload_turns, work)


def _check_name(name: str | None) -> str | None:
    """Returns the name, which may come from a form.

    Raises:
        Invalid: It is too long, or has the character U+0000.
    """
    if name is not None and (len(name) > MAX_DATASET_NAME_LENGTH or "\0" in name):
        detail = f"A name has at most {MAX_DATASET_NAME_LENGTH} characters, and no U+0000."
        raise Invalid([Fault(pointer="/name", detail=detail)])
    return name


def _create(
    parts: Services,
    principal: Principal,
    once: IdempotentRequest,
    upload: DatasetUpload,
    name: str | None,
    options: ReadOptions,
    verify: Callable[[], None],
) -> Response:
    reserved = once.reserve()
    if isinstance(reserved, FirstAnswer):
        return once.replay(reserved, upload.identify(ingest.hash_to_end(upload.source)))
    try:
        dataset = ingest.ingest(
            parts.artifacts,
            new_id("dataset"),
            upload.media_type,
            upload.source,
            parts.settings.max_upload_bytes,
            name,
            options,
            verify,
        )
    except Invalid as invalid:
        once.release(reserved)
        raise locate_in_query(invalid) from None
    except BaseException:
        once.release(reserved)
        raise
    return _insert(parts, principal, once, reserved, dataset, upload.identify(dataset.sha256))


def _insert(
    parts: Services,
    principal: Principal,
    once: IdempotentRequest,
    reserved: Reservation | None,
    dataset: Dataset,
    body_sha256: str,
) -> Response:
    try:
        with (
            once.storing(reserved, body_sha256) as store_response,
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
def list_datasets(
    request: Request, parts: Parts, principal: CurrentPrincipal, paging: Paging
) -> Response:
    """Lists datasets, newest first."""
    with parts.database.read() as connection:
        page = datasets.get_page(connection, principal.owner, paging)
        items = [_make_answer(datasets.convert_row(row)) for row in page.rows]
    return make_page_response(
        request, Page[DatasetAnswer](items=items, next_cursor=page.next_cursor)
    )


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
def get_dataset_rows(
    dataset_id: DatasetPath,
    parts: Parts,
    principal: CurrentPrincipal,
    start: Start = 0,
    count: Count = 100,
) -> Response:
    """Returns stored values; a value that is not finite is `null` and is named in `non_finite`."""
    found = rows.read_rows(parts.artifacts, _get(parts, principal, dataset_id), start, count)
    document = {"start": found.start, "count": found.count, "columns": found.columns}
    if not found.is_finite:
        document = mark_non_finite(document)
    return Response(encode_in_parts(document), media_type="application/json")


@router.get(
    "/{id}/file",
    summary="Download a dataset",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The dataset in the format.",
            "content": {output.media_type: {} for output in OUTPUTS.values()},
        },
        **READS,
    },
)
def get_dataset_file(
    dataset_id: DatasetPath,
    parts: Parts,
    principal: CurrentPrincipal,
    form: Annotated[OutputName, Query(alias="format", description="The format of the file.")],
) -> Response:
    """Sends all rows in a format. A format that cannot express a column is a 422 that names it.

    CSV has a column for each value of a row: `pixels_0`, `pixels_1` and so on. If the dataset is
    deleted meanwhile, the connection is closed before the end of the body.
    """
    dataset = _get(parts, principal, dataset_id)
    output = OUTPUTS[form]
    name = f"{dataset.id}.{output.extension}"
    return BlockStream(
        write_dataset(parts.artifacts, dataset, form),
        media_type=output.media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get(
    "/{id}/columns/{name:path}",
    summary="Describe a column of a dataset",
    response_model=ColumnAnswer,
    responses=READS,
)
def get_dataset_column(
    dataset_id: DatasetPath,
    parts: Parts,
    principal: CurrentPrincipal,
    name: Annotated[str, Path(description="The name of the column.")],
    bins: Annotated[int, Query(ge=1, le=1000, description="The bins of the histogram.")] = 50,
) -> Response:
    """Returns a column with a histogram, and its most frequent values."""
    dataset = _get(parts, principal, dataset_id)
    names = [column.name for column in dataset.columns]
    if name not in names:
        raise NotFound("column", name)
    index = names.index(name)
    found = describe_values(parts.artifacts, dataset, index, bins)
    column = dataset.columns[index]
    return make_json_response(ColumnAnswer.model_construct(**dict(column), **dict(found)))


@router.delete("/{id}", status_code=204, summary="Delete a dataset", responses=CHANGES)
def delete_dataset(dataset_id: DatasetPath, parts: Parts, principal: CurrentPrincipal) -> Response:
    """Deletes a dataset, unless a job that has not ended uses it. Models do not need it.

    The parts of a split are datasets of their own, which stay.
    """
    with parts.database.write() as connection:
        unneeded = datasets.delete(connection, principal.owner, dataset_id)
    for folder in unneeded:
        ingest.discard(parts.artifacts, folder)
    return Response(status_code=204)


def _get(parts: Services, principal: Principal, dataset_id: str) -> Dataset:
    with parts.database.read() as connection:
        return datasets.get(connection, principal.owner, dataset_id)


def _make_answer(dataset: Dataset) -> DatasetAnswer:
    return DatasetAnswer.model_construct(**dict(dataset))
