"""`/v1/sweeps`: starts, lists, returns, cancels and deletes sweeps."""

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.access.principal import CurrentPrincipal, Principal
from api.dependencies.idempotency import Idempotency, StoreResponse
from api.dependencies.parameters import (
    CurrentConditions,
    CurrentScope,
    Paging,
    Parts,
    Services,
    SweepPath,
)
from api.http.json.body import CurrentBody, JsonRoute
from api.http.json.response import encode_json, make_json_response
from api.http.page_response import make_page_response
from api.http.schemas import Page, SweepAnswer
from api.openapi.examples import load_examples
from api.problems.openapi_responses import CHANGES, CONDITIONAL, CREATES, LISTS, READS
from application.submission.job_data import JobData, stage_data
from application.sweeps.acceptance import AcceptedSweep, accept_sweep
from domain.errors import Invalid
from domain.sweeps.request import SweepRequest
from domain.sweeps.sweep import Sweep
from models_store.sweeps import control, sweeps

router = APIRouter(prefix="/v1/sweeps", tags=["sweeps"], route_class=JsonRoute)


@router.post(
    "",
    status_code=202,
    summary="Start a sweep",
    response_model=SweepAnswer,
    responses=CREATES,
    openapi_extra=load_examples("sweep"),
)
async def create_sweep(
    request: SweepRequest,
    sent: CurrentBody,
    parts: Parts,
    principal: CurrentPrincipal,
    once: Idempotency,
    scope: CurrentScope,
) -> Response:
    """Searches for hyperparameters: trains with suggested parameters, as jobs of their own.

    The request is checked with the first suggestion, with each bound and with each choice, before
    the sweep is accepted. A combination that does not fit is a failed trial.
    """

    def make(store_response: StoreResponse) -> Response:
        inner = sent.json["request"]
        try:
            with stage_data(parts.artifacts, request.request, inner, {}) as data:
                sweep = accept_sweep(
                    parts.job_services, parts.optimizer, principal.owner, request, data
                )
                body = {**sent.json, "request": data.sent}
                response = _insert(parts, principal, sweep, data, body, store_response)
        except Invalid as invalid:
            raise _locate_data_faults(invalid) from invalid
        parts.sweeps.notify()
        return response

    async with parts.check_turns.take(principal.owner, scope):
        return await run_in_threadpool(once.run, sent.raw, make)


_OWN_FIELDS = tuple(f"/{name}" for name in SweepRequest.model_fields)


def _locate_data_faults(invalid: Invalid) -> Invalid:
    """Returns the faults of datasets that are written out at their places in the sweep's body."""
    return Invalid(
        fault if fault.pointer.startswith(_OWN_FIELDS) else fault.at(f"/request{fault.pointer}")
        for fault in invalid.faults
    )


def _insert(
    parts: Services,
    principal: Principal,
    sweep: AcceptedSweep,
    data: JobData,
    body: dict[str, Any],
    store_response: StoreResponse,
) -> Response:
    owner = principal.owner
    with data.publishing(parts.artifacts), parts.database.write() as connection:
        data.insert(connection, owner)
        sweep.confirm(connection, owner)
        kept = sweep.request.name, body, sweep.seed, sweep.trials, sweep.uses
        sweep_id = sweeps.add(connection, owner, *kept)
        headers = {"Location": f"/v1/sweeps/{sweep_id}", "Retry-After": "1"}
        answer = make_answer(sweeps.get(connection, owner, sweep_id))
        response = make_json_response(answer, 202, headers)
        store_response(connection, response)
    return response


@router.get("", summary="List sweeps", response_model=Page[SweepAnswer], responses=LISTS)
def list_sweeps(
    request: Request, parts: Parts, principal: CurrentPrincipal, paging: Paging
) -> Response:
    """Lists sweeps, newest first."""
    with parts.database.read() as connection:
        page = sweeps.get_page(connection, principal.owner, paging)
        items = [make_answer(sweeps.convert_row(connection, row)) for row in page.rows]
    return make_page_response(request, Page[SweepAnswer](items=items, next_cursor=page.next_cursor))


@router.get(
    "/{id}",
    summary="Get a sweep",
    response_model=SweepAnswer,
    responses={304: {"description": "The sweep has not changed."}, **CONDITIONAL, **READS},
)
def get_sweep(
    sweep_id: SweepPath, parts: Parts, principal: CurrentPrincipal, conditions: CurrentConditions
) -> Response:
    """Returns a sweep with its best trial. Poll it with `If-None-Match`."""
    with parts.database.read() as connection:
        row = sweeps.get_row(connection, principal.owner, sweep_id)
        headers = {"ETag": f'W/"{row.version}"'}
        sweep = sweeps.convert_row(connection, row)
    if not sweep.is_terminal:
        headers["Retry-After"] = "1"
    if conditions.is_unchanged(headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(encode_json(make_answer(sweep)), 200, headers, "application/json")


@router.post(
    "/{id}/cancel",
    status_code=202,
    summary="Cancel a sweep",
    response_model=SweepAnswer,
    responses=CHANGES,
)
def cancel_sweep(sweep_id: SweepPath, parts: Parts, principal: CurrentPrincipal) -> Response:
    """Starts no further trials and cancels those that run; the best model so far is kept."""
    owner = principal.owner
    with parts.database.write() as connection:
        cancelled = control.cancel(connection, owner, sweep_id)
        response = make_json_response(make_answer(sweeps.get(connection, owner, sweep_id)), 202)
    for job_id in cancelled:
        parts.snapshots.drop((owner, job_id))
    parts.sweeps.notify()
    return response


@router.delete("/{id}", status_code=204, summary="Delete a sweep", responses=CHANGES)
def delete_sweep(sweep_id: SweepPath, parts: Parts, principal: CurrentPrincipal) -> Response:
    """Deletes a sweep that has ended, and its trials; their jobs and models remain."""
    with parts.database.write() as connection:
        sweeps.delete(connection, principal.owner, sweep_id)
    return Response(status_code=204)


def make_answer(sweep: Sweep) -> SweepAnswer:
    """Returns the response body of a sweep."""
    return SweepAnswer.model_construct(**dict(sweep))
