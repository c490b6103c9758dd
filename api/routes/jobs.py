"""`/v1/jobs`: submits, lists, returns and deletes jobs."""

import time
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.access.principal import CurrentPrincipal, Principal
from api.dependencies.idempotency import Idempotency, StoreResponse
from api.dependencies.parameters import IfNoneMatch, JobPath, Paging, Parts, Services
from api.http.job_snapshots import Snapshot
from api.http.json_body import CurrentBody, JsonRoute, ReceivedBody
from api.http.json_response import encode_json, make_json_response
from api.http.route_options import RouteOptions, set_route_options
from api.http.schemas import History, JobAnswer, Page
from api.openapi.examples import load_examples
from api.problems.openapi_responses import CREATES, DELETES, LISTS, READS
from application.submission.jobs import AcceptedJob, accept_job
from domain.errors import Fault, Invalid
from domain.job.job import Job, JobRequest, JobState
from models_store.jobs import jobs, wait_reasons
from models_store.records import epochs

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=JsonRoute)
METADATA = "metadata."
"""Prefix of the query parameters that filter the list of jobs by metadata."""
MOST_FILTERS = 20
StateFilter = Annotated[JobState | None, Query(description="Only jobs in this state.")]


@router.post(
    "",
    status_code=202,
    summary="Submit a job",
    response_model=JobAnswer,
    responses=CREATES,
    openapi_extra=load_examples("job"),
)
def create_job(
    request: JobRequest,
    sent: CurrentBody,
    parts: Parts,
    principal: CurrentPrincipal,
    once: Idempotency,
) -> Response:
    """Submits a job that trains a model, or only builds it.

    The graph, feed, data and recipe are checked against each other before the job is accepted.
    """

    def make(store_response: StoreResponse) -> Response:
        job = accept_job(parts.job_services, principal.owner, request, sent.json)
        response = _insert(parts, principal, job, sent, store_response)
        parts.calls.wake()
        return response

    return once.run(sent.raw, make)


def _insert(
    parts: Services,
    principal: Principal,
    job: AcceptedJob,
    sent: ReceivedBody,
    store_response: StoreResponse,
) -> Response:
    with parts.database.write() as connection:
        job.confirm(connection, principal.owner)
        job_id = jobs.insert(
            connection, principal.owner, job.request, sent.json, job.plan, job.seed, job.warnings
        )
        wait_reasons.set_reason(connection, job_id)
        headers = {"Location": f"/v1/jobs/{job_id}", "Retry-After": "1"}
        response = make_json_response(
            make_answer(jobs.get(connection, principal.owner, job_id)), 202, headers
        )
        store_response(connection, response)
    return response


@router.get("", summary="List jobs", response_model=Page[JobAnswer], responses=LISTS)
@set_route_options(RouteOptions(free_parameters=METADATA))
def list_jobs(
    request: Request,
    parts: Parts,
    principal: CurrentPrincipal,
    paging: Paging,
    state: StateFilter = None,
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
        page = jobs.get_page(connection, principal.owner, paging.cursor, paging.size, state, wanted)
        items = [make_answer(jobs.convert_row(connection, row)) for row in page.rows]
    return make_json_response(Page[JobAnswer](items=items, next_cursor=page.next_cursor))


@router.get(
    "/{id}",
    summary="Get a job",
    response_model=JobAnswer,
    responses={304: {"description": "The job has not changed."}, **READS},
)
@set_route_options(RouteOptions(is_polled=True))
async def get_job(
    job_id: JobPath, parts: Parts, principal: CurrentPrincipal, if_none_match: IfNoneMatch = None
) -> Response:
    """Returns a job. Poll it as often as `Retry-After` says, with `If-None-Match`."""
    snapshot = await get_snapshot(parts, principal, job_id)
    return snapshot.make_response(if_none_match)


async def get_snapshot(parts: Services, principal: Principal, job_id: str) -> Snapshot:
    """Returns a snapshot of the job, at most a quarter of a second old.

    Raises:
        NotFound: the owner has no job of this id.
    """

    async def read() -> Snapshot:
        return await run_in_threadpool(_read_snapshot, parts, principal, job_id)

    return await parts.snapshots.get((principal.owner, job_id), read)


def _read_snapshot(parts: Services, principal: Principal, job_id: str) -> Snapshot:
    started = time.monotonic()
    with parts.database.read() as connection:
        row = jobs.get_row(connection, principal.owner, job_id)
        job = jobs.convert_row(connection, row)
    age = (datetime.now(UTC) - row.created_at).total_seconds()
    return Snapshot(started, age, row.version, job.is_terminal, encode_json(make_answer(job)))


@router.get("/{id}/history", summary="Get a job's history", response_model=History, responses=READS)
def get_history(job_id: JobPath, parts: Parts, principal: CurrentPrincipal) -> Response:
    """Returns the metrics of every finished epoch."""
    with parts.database.read() as connection:
        jobs.get_row(connection, principal.owner, job_id)
        return make_json_response(
            History(epochs=epochs.get_all(connection, principal.owner, job_id))
        )


@router.delete("/{id}", status_code=204, summary="Delete a job", responses=DELETES)
def delete_job(job_id: JobPath, parts: Parts, principal: CurrentPrincipal) -> Response:
    """Deletes a job that has ended, with its history and events; its model remains."""
    with parts.database.write() as connection:
        jobs.delete(connection, principal.owner, job_id)
    parts.snapshots.drop((principal.owner, job_id))
    return Response(status_code=204)


def make_answer(job: Job) -> JobAnswer:
    """Returns the response body of a job."""
    return JobAnswer.model_construct(**dict(job))
