"""Checks the request of an `import` job completely before it is stored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from domain.errors import Fault, Invalid, NotFound, not_offered, raise_if_any
from domain.job.job import JobRequest
from domain.job.plan import ImportPlan
from domain.job.rules import request_faults
from domain.job.sources import AllowedSource, find_refusal, parse_address
from domain.upload import Upload
from models_store.datasets.formats.detection import FIRST_BYTES, detect
from models_store.datasets.formats.registry import FORMATS
from models_store.ids import new_id
from models_store.records import uploads
from models_store.uploads.receiver import Uploads


@dataclass(frozen=True)
class ImportServices:
    """The services that the check of an `import` job needs."""

    uploads: Uploads
    most_bytes: int
    """Largest file, and largest dataset."""
    allowed: Sequence[AllowedSource] = ()
    """The hosts and buckets that files are fetched from."""


def plan_import(services: ImportServices, owner: str, request: JobRequest) -> ImportPlan:
    """Returns the plan of a checked `import` job; stores nothing.

    Raises:
        Invalid: The request has faults; each fault has its place.
    """
    faults = [*request_faults(request), *_find_format_faults(request)]
    if (request.upload is None) == (request.source is None):
        detail = "An `import` job needs exactly one of `upload` and `source`."
        faults.append(Fault(pointer="", detail=detail))
    raise_if_any(faults)
    if request.source is not None:
        return _plan_fetch(services, request, request.source)
    assert request.upload is not None  # one of the two is given
    upload = _load(services, owner, request.upload)
    media_type = request.format or _detect(services, upload)
    FORMATS[media_type].check_options(request.options)
    return ImportPlan(
        upload=upload.id,
        media_type=media_type,
        options=request.options,
        most_bytes=services.most_bytes,
    )


def _plan_fetch(services: ImportServices, request: JobRequest, source: str) -> ImportPlan:
    """Returns the plan of a job that fetches its file, which it stores in a new upload."""
    address = parse_address(source)
    if address is None:
        detail = "A source is like `https://host/path` or `s3://bucket/key`, in ASCII, without a "
        raise Invalid([Fault(pointer="/source", detail=f"{detail}user and a fragment.")])
    refusal = find_refusal(address, services.allowed)
    if refusal is not None:
        raise Invalid([Fault(pointer="/source", detail=refusal)])
    media_type = request.format or detect("", address.name, b"")
    if media_type is not None:
        FORMATS[media_type].check_options(request.options)
    return ImportPlan(
        upload=new_id("upload"),
        source=address.url,
        media_type=media_type,
        options=request.options,
        most_bytes=services.most_bytes,
    )


def _find_format_faults(request: JobRequest) -> Iterator[Fault]:
    if request.format is not None and request.format not in FORMATS:
        detail = not_offered("format", request.format, FORMATS)
        yield Fault(pointer="/format", detail=f"{detail} It is one of {', '.join(FORMATS)}.")


def _load(services: ImportServices, owner: str, upload_id: str) -> Upload:
    try:
        upload = services.uploads.get(owner, upload_id)
    except NotFound as error:
        raise Invalid([Fault(pointer="/upload", detail=error.detail)]) from error
    if not upload.is_complete:
        whole = "" if upload.length is None else f" of {upload.length}"
        detail = f"The upload is not complete: {upload.offset}{whole} bytes are stored. Send the "
        raise Invalid([Fault(pointer="/upload", detail=f"{detail}rest first.")])
    return upload


def _detect(services: ImportServices, upload: Upload) -> str:
    """Returns the format of an upload by its type, its name or its first bytes."""
    metadata = upload.metadata
    media_type = detect(
        metadata.get("filetype") or metadata.get("type") or "",
        metadata.get("filename") or metadata.get("name") or "",
        services.uploads.read_start(upload.id, FIRST_BYTES),
    )
    if media_type is None:
        detail = "The `filetype`, the `filename` and the first bytes of the upload tell no format. "
        detail += f"Give one of {', '.join(FORMATS)}."
        raise Invalid([Fault(pointer="/format", detail=detail)])
    return media_type


def confirm_import(connection: Connection, owner: str, plan: ImportPlan, upload: Upload) -> None:
    """Delays the end of the upload, or inserts it, in the transaction that stores the job.

    Args:
        connection: The transaction.
        owner: The owner of the job.
        plan: The plan of the job.
        upload: The upload of a job that fetches its file; for other jobs, its end alone counts.

    Raises:
        Invalid: The upload was deleted while the job was being checked.
    """
    if plan.source is not None:
        uploads.insert(connection, owner, upload)
    elif not uploads.keep(connection, owner, plan.upload, upload.expires_at):
        detail = f"There is no upload '{plan.upload}'."
        raise Invalid([Fault(pointer="/upload", detail=detail)])
