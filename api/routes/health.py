"""`/healthz`, `/readyz` and `/metrics`: the state of the service for operators."""

from collections.abc import Callable
from functools import partial
from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from pydantic import BaseModel, ConfigDict

from api.dependencies.parameters import Parts, Services
from api.http.route_options import RouteOptions, set_route_options
from api.problems.openapi_responses import ALWAYS, OPEN
from domain.errors import Busy, GraphfitError
from models_store.broker import celery
from models_store.database.schema import check_schema

router = APIRouter(tags=["service"])


class Health(BaseModel):
    """The process answers."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    status: Literal["ok"] = "ok"


@router.get("/healthz", summary="Check that the process answers", responses=OPEN)
@set_route_options(RouteOptions(is_public=True))
async def get_health() -> Health:
    """Returns 200 if the process answers."""
    return Health()


class Readiness(Health):
    """The service is ready."""

    away: list[Literal["broker"]]
    """Parts that do not answer and are not required. Without the broker of wake messages, a job
    waits up to a second longer for an idle worker."""


@router.get("/readyz", summary="Check that the service is ready", responses=OPEN)
@set_route_options(RouteOptions(is_public=True))
def get_readiness(parts: Parts) -> Readiness:
    """Returns 200 if the service is ready, else 503 with a `detail` that names every fault.

    The service needs a database with the current schema, the file store, and a checker that has
    imported Keras.
    """
    needed: dict[str, Callable[[], None]] = {
        "database": partial(_check_database, parts),
        "files": parts.artifacts.check,
        "checker": partial(_check_checker, parts),
    }
    faults = {name: fault for name, check in needed.items() if (fault := _find_fault(check))}
    if faults:
        detail = " ".join(f"{name}: {fault}" for name, fault in faults.items())
        raise Busy(detail, retry_after=2)
    return Readiness(away=["broker"] if _find_fault(partial(celery.check, parts.celery)) else [])


def _find_fault(check: Callable[[], None]) -> str | None:
    try:
        check()
    except GraphfitError as error:
        return error.detail
    return None


def _check_database(parts: Services) -> None:
    with parts.database.read() as connection:
        check_schema(connection)


def _check_checker(parts: Services) -> None:
    if not parts.checker.is_warm:
        raise Busy("The checker is still importing Keras.")


@router.get(
    "/metrics",
    summary="Get metrics",
    response_class=Response,
    responses={
        200: {"description": "The text format of Prometheus.", "content": {"text/plain": {}}},
        **ALWAYS,
    },
)
def get_metrics(parts: Parts) -> Response:
    """Returns counters of jobs, requests, calls in child processes, and predictions."""
    return Response(generate_latest(parts.metrics.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)
