"""`/v1/jobs`: submits, lists, returns and deletes jobs."""

import time
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.access.principal import CurrentPrincipal, Principal
from api.dependencies.idempotency import Idempotency, StoreResponse
from api.dependencies.parameters import (
    CurrentConditions,
    CurrentScope,
    JobPath,
    Paging,
    Parts,
    Services,
)
from api.http.job_snapshots import Snapshot
from api.http.json.body import CurrentBody, JsonRoute
from api.http.json.response import (
    encode_document,
    encode_json,
    make_json_response,
)
from api.http.page_response import make_list_response, make_page_response
from api.http.route_options import RouteOptions, set_route_options
from api.http.schemas import History, JobAnswer, Page, ReportAnswer
from api.openapi.examples import load_examples
from api.problems.openapi_responses import CHANGES, CONDITIONAL, CREATES, LISTS, READS
from application.submission.job_data import JobData, stage_data
from application.submission.jobs import AcceptedJob, accept_job, check_limits
from domain.errors import Fault, Invalid, NotMade
from domain.event import StepData, StepEvent
from domain.ids import SweepId
from domain.job.job import Job, JobRequest, JobState, KeptCheckpoint
from domain.report.report import explain_absence
from models_store.database.engine import Database
from models_store.jobs import jobs
from models_store.records import epochs, kept_checkpoints, reports

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=JsonRoute)
METADATA = "metadata."
"""Prefix of the query parameters that filter the list of jobs by metadata."""
MOST_FILTERS = 20
MOST_EPOCHS = 20_000
"""The most epochs on a page of a history. A page has at most `max_page_bytes` too."""
SweepFilter = Annotated[
    SweepId | None, Query(description="Only the jobs of the trials of this sweep.")
]
StateFilter = Annotated[JobState | None, Query(description="Only jobs in this state.")]


@router.post(
    "",
    status_code=202,
    summary="Submit a job",
    response_model=JobAnswer,
    responses=CREATES,
    openapi_extra=load_examples("job"),
)
@set_route_options(RouteOptions(takes_data=True, data_fields=("dataset", "validation_dataset")))
async def create_job(
    request: JobRequest,
    sent: CurrentBody,
    parts: Parts,
    principal: CurrentPrincipal,
    once: Idempotency,
    scope: CurrentScope,
) -> Response:
    """Submits a job.

    It trains a model, builds one, imports a dataset, or evaluates or predicts with a model over a
    dataset.
    The graph, feed, data and recipe are checked against each other before the job is accepted.
    A dataset that is written out is stored with the job, which names it by its id.
    """

    def make(store_response: StoreResponse) -> Response:
        check_limits(parts.job_services, request)
        with stage_data(parts.artifacts, request, sent.json, sent.data) as data:
            job = accept_job(parts.job_services, principal.owner, data, sent.json)
            response = _insert(parts, principal, job, data, store_response)
        parts.calls.wake()
        return response

    async with parts.check_turns.take(principal.owner, scope):
        return await run_in_threadpool(once.run, sent.raw, make)


def _insert(
    parts: Services,
    principal: Principal,
    job: AcceptedJob,
    data: JobData,
    store_response: StoreResponse,
) -> Response:
    owner = principal.owner
    with data.publishing(parts.artifacts), parts.database.write() as connection:
        job_id = job.insert(connection, owner, data)
        headers = {"Location": f"/v1/jobs/{job_id}", "Retry-After": "1"}
        response = make_json_response(
            make_answer(jobs.get(connection, owner, job_id)), 202, headers
        )
        store_response(connection, response)
    return response


@router.get("", summary="List jobs", response_model=Page[JobAnswer], responses=LISTS)
@set_route_options(RouteOptions(free_parameters=(METADATA,)))
def list_jobs(
    request: Request,
    parts: Parts,
    principal: CurrentPrincipal,
    paging: Paging,
    state: StateFilter = None,
    sweep: SweepFilter = None,
) -> Response:
    """Lists jobs, newest first. `?metadata.<key>=<value>` selects the jobs with that metadata."""
    wanted = {
        name.removeprefix(METADATA): value
        for name, value in request.query_params.items()
        if name.startswith(METADATA)
    }
    if len(wanted) > MOST_FILTERS:
        detail = f"A list accepts at most {MOST_FILTERS} metadata filters."
        raise Invalid([Fault(pointer="", detail=detail)])
    with parts.database.read() as connection:
        page = jobs.get_page(connection, principal.owner, paging, state, wanted, sweep)
        items = [make_answer(job) for job in jobs.convert_page(connection, page)]
    return make_page_response(request, Page[JobAnswer](items=items, next_cursor=page.next_cursor))


@router.get(
    "/{id}",
    summary="Get a job",
    response_model=JobAnswer,
    responses={304: {"description": "The job has not changed."}, **CONDITIONAL, **READS},
)
@set_route_options(RouteOptions(is_polled=True))
async def get_job(
    job_id: JobPath, parts: Parts, principal: CurrentPrincipal, conditions: CurrentConditions
) -> Response:
    """Returns a job. Poll it as often as `Retry-After` says, with `If-None-Match`."""
    snapshot = await get_snapshot(parts, principal, job_id)
    return snapshot.make_response(conditions)


async def get_snapshot(parts: Services, principal: Principal, job_id: str) -> Snapshot:
    """Returns a snapshot of the job, at most a quarter of a second old.

    Raises:
        NotFound: the owner has no job of this id.
    """
    return await parts.snapshots.get((principal.owner, job_id))


def read_snapshot(database: Database, key: tuple[str, str]) -> Snapshot:
    """Reads a job.

    Args:
        database: The database with the job.
        key: The owner and the id of the job.

    Raises:
        NotFound: the owner has no job of this id.
    """
    started = time.monotonic()
    with database.read() as connection:
        row = jobs.get_row(connection, *key)
        job = jobs.convert_row(connection, row)
    age = (datetime.now(UTC) - row.created_at).total_seconds()
    body, step = encode_json(make_answer(job)), _encode_step(job)
    return Snapshot(started, age, row.version, job.is_terminal, body, job.position, step)


def _encode_step(job: Job) -> bytes:
    """Returns the event of the latest step of a running training; empty between epochs."""
    progress = job.progress
    if job.state is not JobState.RUNNING or not progress.step:
        return b""
    data = StepData(
        epoch=progress.epoch, step=progress.step, steps=progress.steps, metrics=job.metrics
    )
    return encode_json(StepEvent(at=progress.updated_at, data=data))


@router.get(
    "/{id}/history",
    summary="Get a job's history",
    response_model=History,
    responses={**LISTS, **READS},
)
def get_job_history(
    request: Request,
    job_id: JobPath,
    parts: Parts,
    principal: CurrentPrincipal,
    page_size: Annotated[
        int, Query(ge=1, le=MOST_EPOCHS, description="The largest number of epochs on a page.")
    ] = MOST_EPOCHS,
    cursor: Annotated[
        int, Query(ge=0, le=2**31 - 1, description="The `next_cursor` of the previous page.")
    ] = 0,
) -> Response:
    """Returns the metrics of finished epochs, oldest first; a long history has several pages."""
    with parts.database.read() as connection:
        jobs.get_row(connection, principal.owner, job_id)
        most_bytes = parts.settings.max_page_bytes
        page = epochs.get_page(connection, principal.owner, job_id, cursor, page_size, most_bytes)
    next_cursor = str(page.epochs[-1].epoch) if page.has_more else None
    return make_list_response(request, "epochs", page.epochs, next_cursor)


@router.get(
    "/{id}/report",
    summary="Get a job's report",
    response_model=ReportAnswer,
    responses={304: {"description": "The report has not changed."}, **CONDITIONAL, **READS},
)
def get_job_report(
    job_id: JobPath, parts: Parts, principal: CurrentPrincipal, conditions: CurrentConditions
) -> Response:
    """Returns how the model of a job predicts the validation rows, by output.

    An `evaluate` job has a report of the rows of its dataset. Classes have a confusion matrix and
    scores, numbers have errors and residuals.
    """
    with parts.database.read() as connection:
        job = jobs.get(connection, principal.owner, job_id)
        stored = reports.find(connection, principal.owner, job_id)
    if stored is None:
        raise NotMade(_explain_absence(job))
    headers = {"ETag": f'"{stored.sha256}"'}
    if conditions.is_unchanged(headers["ETag"]):
        return Response(status_code=304, headers=headers)
    body = encode_document(stored.document)
    return Response(body, headers=headers, media_type="application/json")


def _explain_absence(job: Job) -> str:
    """Returns why a job has no report."""
    validates = job.kind == "train" and JobRequest.model_validate(job.request).validates
    return explain_absence(job.kind, job.state, is_terminal=job.is_terminal, validates=validates)


@router.get(
    "/{id}/checkpoints",
    summary="List a job's checkpoints",
    response_model=Page[KeptCheckpoint],
    responses={**LISTS, **READS},
)
def list_job_checkpoints(
    job_id: JobPath, request: Request, parts: Parts, principal: CurrentPrincipal, paging: Paging
) -> Response:
    """Lists the checkpoints that a job keeps, newest first. `POST /v1/models` makes a model of one.

    They stay after the end of the job, and are deleted with it.
    """
    with parts.database.read() as connection:
        jobs.get_row(connection, principal.owner, job_id)
        page = kept_checkpoints.get_page(connection, principal.owner, job_id, paging)
        items = [kept_checkpoints.convert_row(row) for row in page.rows]
    answer = Page[KeptCheckpoint](items=items, next_cursor=page.next_cursor)
    return make_page_response(request, answer)


@router.delete("/{id}", status_code=204, summary="Delete a job", responses=CHANGES)
def delete_job(job_id: JobPath, parts: Parts, principal: CurrentPrincipal) -> Response:
    """Deletes a job that has ended, with its history, events, checkpoints and report.

    Its model remains.
    """
    with parts.database.write() as connection:
        jobs.delete(connection, principal.owner, job_id)
    parts.snapshots.drop((principal.owner, job_id))
    return Response(status_code=204)


def make_answer(job: Job) -> JobAnswer:
    """Returns the response body of a job."""
    return JobAnswer.model_construct(**dict(job))
