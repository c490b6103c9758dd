"""`/v1/jobs/{id}/cancel`, `/pause`, `/resume` and `/finish`: control of a job."""

from collections.abc import Callable

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from api.access.principal import CurrentPrincipal, Principal
from api.dependencies.parameters import JobPath, Parts, Services
from api.http.json.response import make_json_response
from api.http.schemas import JobAnswer
from api.problems.openapi_responses import CHANGES
from api.routes.jobs import make_answer
from models_store.jobs import control, jobs

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.post(
    "/{id}/cancel",
    status_code=202,
    summary="Cancel a job",
    response_model=JobAnswer,
    responses=CHANGES,
)
def cancel_job(job_id: JobPath, parts: Parts, principal: CurrentPrincipal) -> Response:
    """Ends a queued or paused job at once, and a running job within seconds."""
    return _control_job(parts, principal, job_id, control.cancel)


@router.post(
    "/{id}/pause",
    status_code=202,
    summary="Pause a job",
    response_model=JobAnswer,
    responses=CHANGES,
)
def pause_job(job_id: JobPath, parts: Parts, principal: CurrentPrincipal) -> Response:
    """Pauses a queued job at once, and a running job as soon as it has written a checkpoint."""
    return _control_job(parts, principal, job_id, control.pause)


@router.post(
    "/{id}/resume",
    status_code=202,
    summary="Resume a job",
    response_model=JobAnswer,
    responses=CHANGES,
)
def resume_job(job_id: JobPath, parts: Parts, principal: CurrentPrincipal) -> Response:
    """Queues a paused job again. It continues with the same bits as a run without a pause."""
    response = _control_job(parts, principal, job_id, control.resume)
    parts.calls.wake()
    return response


@router.post(
    "/{id}/finish",
    status_code=202,
    summary="Finish a job",
    response_model=JobAnswer,
    responses=CHANGES,
)
def finish_job(job_id: JobPath, parts: Parts, principal: CurrentPrincipal) -> Response:
    """Ends a running training after the present execution of its steps, and keeps what it has.

    The job succeeds with `stopped.reason` `asked`. A repeated request changes nothing.
    """
    return _control_job(parts, principal, job_id, control.finish)


def _control_job(
    parts: Services,
    principal: Principal,
    job_id: str,
    change: Callable[[Connection, str, str], None],
) -> Response:
    with parts.database.write() as connection:
        change(connection, principal.owner, job_id)
        response = make_json_response(
            make_answer(jobs.get(connection, principal.owner, job_id)), 202
        )
    parts.snapshots.drop((principal.owner, job_id))
    return response
