"""`/healthz`, `/readyz`, `/metrics`: for those who operate the service."""

from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from pydantic import BaseModel, ConfigDict

from api.dependencies import Parts
from api.responses import ALWAYS, OPEN
from domain.errors import Busy, GraphfitError
from models_store.migrate import check_schema

router = APIRouter(tags=["service"])


class Health(BaseModel):
    """That the service answers."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    status: Literal["ok"] = "ok"


@router.get("/healthz", summary="Is it alive?", responses=OPEN)
async def healthz() -> Health:
    """200 whenever the process answers at all."""
    return Health()


@router.get("/readyz", summary="Is it ready?", responses=OPEN)
def readyz(parts: Parts) -> Health:
    """200 once the database is reachable and current, and graphs are checked at once."""
    try:
        with parts.database.read() as connection:
            check_schema(connection)
    except GraphfitError as error:
        raise Busy(error.detail, retry_after=2) from error
    if not parts.checker.is_warm:
        raise Busy("The checker is still importing Keras.", retry_after=1)
    return Health()


@router.get(
    "/metrics",
    summary="Counters",
    response_class=Response,
    responses={
        200: {"description": "Prometheus's text form.", "content": {"text/plain": {}}},
        **ALWAYS,
    },
)
def metrics(parts: Parts) -> Response:
    """Jobs by state, requests by route and status, work in children, predictions."""
    return Response(generate_latest(parts.metrics.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)
