"""`/v1/uploads`: receives large files in parts, by the tus protocol."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from api.access.principal import CurrentPrincipal, Principal
from api.dependencies.parameters import ContentDigest, Paging, Parts, Services, UploadPath
from api.http.bodies.content_encoding import refuse_encoded_body
from api.http.bodies.digests import CheckedBody, parse_digests
from api.http.bodies.uploads import BodyStream, read_in_thread
from api.http.head import is_head
from api.http.json.response import make_json_response
from api.http.page_response import make_page_response
from api.http.route_options import RouteOptions, set_route_options
from api.http.schemas import Answer, Page
from api.problems.handlers import ChecksumMismatch, DigestMismatch
from api.problems.openapi_responses import CHANGES, LISTS, PARTS, READS, STARTS_UPLOADS
from api.protocols import tus
from domain.errors import TooLarge
from domain.upload import Upload
from models_store.records import uploads
from models_store.uploads.receiver import check_length

router = APIRouter(prefix="/v1/uploads", tags=["uploads"], route_class=tus.TusRoute)
PART: dict[str, Any] = {tus.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}
"""The `content` of a part in the OpenAPI document."""
TusResumable = Annotated[
    str | None, Header(alias="Tus-Resumable", description="`1.0.0`, the version of the protocol.")
]
UploadLength = Annotated[
    str | None, Header(alias="Upload-Length", description="Number of bytes of the whole file.")
]
UploadDeferLength = Annotated[
    str | None,
    Header(alias="Upload-Defer-Length", description="`1`: a later part states the length."),
]
UploadMetadata = Annotated[
    str | None,
    Header(
        alias="Upload-Metadata",
        description="Pairs of a key and a value in Base64, e.g. `filename ZGF0YS5jc3Y=`.",
    ),
]
UploadOffset = Annotated[
    str | None,
    Header(alias="Upload-Offset", description="Number of bytes that the service has stored."),
]
UploadChecksum = Annotated[
    str | None,
    Header(alias="Upload-Checksum", description="Hash of the part, e.g. `sha256 <Base64>`."),
]


class UploadAnswer(Answer, Upload):
    """An upload."""


@router.options(
    "",
    status_code=204,
    summary="Describe the upload protocol",
    responses={204: {"description": "The headers describe the protocol."}, **LISTS},
)
async def describe_uploads(parts: Parts, _: CurrentPrincipal) -> Response:
    """Returns the version and the extensions of tus that the service supports, in headers."""
    return Response(status_code=204, headers=tus.describe_service(parts.settings.max_upload_bytes))


@router.post(
    "",
    status_code=201,
    summary="Begin an upload",
    response_model=UploadAnswer,
    responses=STARTS_UPLOADS,
    openapi_extra={"requestBody": {"required": False, "content": PART}},
)
@set_route_options(RouteOptions(takes_upload=True))
async def create_upload(
    request: Request,
    parts: Parts,
    principal: CurrentPrincipal,
    tus_resumable: TusResumable = None,
    upload_length: UploadLength = None,
    upload_defer_length: UploadDeferLength = None,
    upload_metadata: UploadMetadata = None,
    upload_checksum: UploadChecksum = None,
    content_digest: ContentDigest = None,
) -> Response:
    """Begins the upload of a file in parts, by the tus protocol; the body may be the first part.

    `PATCH` sends the next part. A job of the kind `import` makes a dataset of the whole file.
    """
    tus.check_version(request)
    length, metadata = tus.parse_length(request), tus.parse_metadata(request)
    check_length(length or 0, parts.settings.max_upload_bytes)
    has_part = tus.has_body(request)
    if has_part:
        _check_part(request)
    upload = await run_in_threadpool(parts.uploads.create, principal.owner, length, metadata)
    if has_part:
        upload = await _receive_first(request, parts, principal, upload)
    headers = {"Location": f"/v1/uploads/{upload.id}", **tus.make_headers(upload)}
    return make_json_response(_make_answer(upload), 201, headers)


async def _receive_first(
    request: Request, parts: Services, principal: Principal, upload: Upload
) -> Upload:
    """Receives the part that is sent with the request that creates the upload."""
    try:
        return await _receive(request, parts, principal, upload.id, 0)
    except (ChecksumMismatch, DigestMismatch, TooLarge):  # the client gets no address to resume at
        await run_in_threadpool(parts.uploads.delete, principal.owner, upload.id)
        raise


@router.get("", summary="List uploads", response_model=Page[UploadAnswer], responses=LISTS)
def list_uploads(
    request: Request, parts: Parts, principal: CurrentPrincipal, paging: Paging
) -> Response:
    """Lists uploads that have not expired, newest first."""
    with parts.database.read() as connection:
        page = uploads.get_page(connection, principal.owner, paging)
    items = [_make_answer(uploads.convert_row(row)) for row in page.rows]
    return make_page_response(
        request, Page[UploadAnswer](items=items, next_cursor=page.next_cursor)
    )


@router.get("/{id}", summary="Get an upload", response_model=UploadAnswer, responses=READS)
def get_upload(
    request: Request, upload_id: UploadPath, parts: Parts, principal: CurrentPrincipal
) -> Response:
    """Returns how many bytes of the file are stored. `HEAD` returns the headers of tus alone."""
    tus.check_version(request, is_required=is_head(request.scope))
    upload = parts.uploads.get(principal.owner, upload_id)
    return make_json_response(_make_answer(upload), 200, tus.make_headers(upload))


@router.patch(
    "/{id}",
    status_code=204,
    summary="Send a part of an upload",
    responses={204: {"description": "The part is stored."}, **PARTS},
    openapi_extra={"requestBody": {"required": True, "content": PART}},
)
@set_route_options(RouteOptions(takes_upload=True))
async def append_part(
    request: Request,
    upload_id: UploadPath,
    parts: Parts,
    principal: CurrentPrincipal,
    tus_resumable: TusResumable = None,
    upload_offset: UploadOffset = None,
    upload_length: UploadLength = None,
    upload_checksum: UploadChecksum = None,
    content_digest: ContentDigest = None,
) -> Response:
    """Stores a part at the end of the file; the answer has the new `Upload-Offset`.

    What the answer confirms is on the disk. If the connection breaks, the bytes that arrived are
    stored, unless the request has a checksum. `HEAD` tells where to continue.
    """
    return await _append(request, upload_id, parts, principal)


async def _append(
    request: Request, upload_id: str, parts: Services, principal: Principal
) -> Response:
    tus.check_version(request)
    _check_part(request)
    offset, length = tus.parse_offset(request), tus.parse_number(request, "Upload-Length")
    if length is not None:
        check_length(length, parts.settings.max_upload_bytes)
        await run_in_threadpool(parts.uploads.set_length, principal.owner, upload_id, length)
    upload = await _receive(request, parts, principal, upload_id, offset)
    headers = {
        "Upload-Offset": str(upload.offset),
        "Upload-Expires": tus.format_date(upload.expires_at),
    }
    return Response(status_code=204, headers=headers)


@router.delete("/{id}", status_code=204, summary="Delete an upload", responses=CHANGES)
def delete_upload(
    request: Request, upload_id: UploadPath, parts: Parts, principal: CurrentPrincipal
) -> Response:
    """Deletes an upload with its parts, unless a job that has not ended uses it."""
    return _delete(request, upload_id, parts, principal)


def _delete(request: Request, upload_id: str, parts: Services, principal: Principal) -> Response:
    tus.check_version(request, is_required=False)
    parts.uploads.delete(principal.owner, upload_id)
    return Response(status_code=204)


@router.post("/{id}", include_in_schema=False)
@set_route_options(RouteOptions(takes_upload=True))
async def override_method(
    request: Request, upload_id: UploadPath, parts: Parts, principal: CurrentPrincipal
) -> Response:
    """Handles `X-HTTP-Method-Override` of clients that can send neither PATCH nor DELETE."""
    match request.headers.get("x-http-method-override", "").upper():
        case "PATCH":
            return await _append(request, upload_id, parts, principal)
        case "DELETE":
            return await run_in_threadpool(_delete, request, upload_id, parts, principal)
        case _:
            raise HTTPException(405)


def _check_part(request: Request) -> None:
    """Checks the headers of a part before its body is read."""
    tus.check_media_type(request)
    refuse_encoded_body(request)
    tus.parse_checksum(request)
    parse_digests(request)


async def _receive(
    request: Request, parts: Services, principal: Principal, upload_id: str, offset: int
) -> Upload:
    """Stores the body of a request at the end of an upload."""
    expected = [*tus.parse_checksum(request), *parse_digests(request)]
    size = tus.parse_number(request, "Content-Length") or 0

    def work(incoming: BodyStream) -> Upload:
        upload = parts.uploads.check_part(principal.owner, upload_id, offset)
        most = parts.settings.max_upload_bytes if upload.length is None else upload.length
        if offset + size > most:
            raise TooLarge(f"The upload has at most {most} bytes; this part ends after that.")
        body = CheckedBody(incoming, expected)
        verify = body.check if expected else None
        parts.uploads.append(principal.owner, upload_id, offset, body, most, verify)
        return parts.uploads.get(principal.owner, upload_id)

    return await read_in_thread(request, principal.owner, parts.upload_turns, work)


def _make_answer(upload: Upload) -> UploadAnswer:
    return UploadAnswer.model_construct(**dict(upload))
