"""`/v1/sweeps/{id}/trials`: lists the trials of a sweep."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.access.principal import CurrentPrincipal
from api.dependencies.parameters import Paging, Parts, SweepPath
from api.http.page_response import make_page_response
from api.http.schemas import Trials
from api.problems.openapi_responses import LISTS, READS
from domain.sweeps.request import SweepRequest
from domain.sweeps.sweep import TrialState
from models_store.sweeps import sweeps, trials

router = APIRouter(prefix="/v1/sweeps", tags=["sweeps"])
StateFilter = Annotated[TrialState | None, Query(description="Only trials in this state.")]


@router.get(
    "/{id}/trials",
    summary="List trials",
    response_model=Trials,
    responses={**READS, **LISTS},
)
def list_trials(
    sweep_id: SweepPath,
    request: Request,
    parts: Parts,
    principal: CurrentPrincipal,
    paging: Paging,
    state: StateFilter = None,
) -> Response:
    """Lists the trials of a sweep in the order of their numbers."""
    with parts.database.read() as connection:
        row = sweeps.get_row(connection, principal.owner, sweep_id)
        space = SweepRequest.model_validate(row.request).space
        items, cursor = trials.get_page(connection, sweep_id, paging, space, state)
    return make_page_response(request, Trials(items=items, next_cursor=cursor))
