"""`/v1/workers`: the workers that run jobs."""

from fastapi import APIRouter, Request, Response

from api.access.principal import CurrentPrincipal
from api.dependencies.parameters import Paging, Parts
from api.http.page_response import make_page_response
from api.http.schemas import Page
from api.problems.openapi_responses import LISTS
from domain.worker import Worker
from models_store.jobs import workers

router = APIRouter(prefix="/v1/workers", tags=["service"])


@router.get("", summary="List workers", response_model=Page[Worker], responses=LISTS)
def list_workers(
    request: Request, parts: Parts, principal: CurrentPrincipal, paging: Paging
) -> Response:
    """Lists the workers, newest first, with their resources, their state and their last heartbeat.

    A worker that shuts down cleanly disappears at once, a lost worker after an hour.
    """
    with parts.database.read() as connection:
        page = workers.get_page(connection, principal.owner, paging)
    items = [workers.convert_row(row) for row in page.rows]
    return make_page_response(request, Page[Worker](items=items, next_cursor=page.next_cursor))
