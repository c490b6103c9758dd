"""Parameters of endpoints: the services, a page, headers and ids."""

from dataclasses import dataclass
from typing import Annotated

from celery import Celery
from fastapi import Depends, Header, Path, Query, Request

from api.access.key_cache import KeyCache
from api.http.job_snapshots import Snapshots
from api.middleware.metrics import Metrics
from api.settings import Settings
from application.children.catalogue import Catalogue
from application.children.pool import Checker
from application.prediction.predictor import Predictor
from application.submission.jobs import JobServices
from domain.ids import DatasetId, GraphId, JobId, ModelId
from models_store.broker.wake_sender import WakeSender
from models_store.database.engine import Database
from models_store.files.store import ArtifactStore


@dataclass(frozen=True)
class Services:
    """The services of an application; `api.app` creates them."""

    settings: Settings
    database: Database
    artifacts: ArtifactStore
    celery: Celery
    calls: WakeSender
    checker: Checker
    catalogue: Catalogue
    job_services: JobServices
    predictor: Predictor
    snapshots: Snapshots
    keys: KeyCache
    metrics: Metrics


async def get_services(request: Request) -> Services:
    """Returns the services of the application."""
    services: Services = request.app.state.services
    return services


@dataclass(frozen=True)
class PageRequest:
    """The requested page of a list."""

    size: int
    cursor: str | None


async def get_page_request(
    page_size: Annotated[
        int, Query(ge=1, le=200, description="The number of items on a page.")
    ] = 50,
    cursor: Annotated[
        str | None, Query(max_length=128, description="The `next_cursor` of the previous page.")
    ] = None,
) -> PageRequest:
    """Returns the page that the query requests; every list has these parameters."""
    return PageRequest(page_size, cursor)


Parts = Annotated[Services, Depends(get_services)]
Paging = Annotated[PageRequest, Depends(get_page_request)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="A repeated key within 24 hours gets the first response again.",
    ),
]
IfNoneMatch = Annotated[
    str | None,
    Header(description="The `ETag` of an earlier response; the answer is 304 if nothing changed."),
]
GraphPath = Annotated[GraphId, Path(alias="id", description="The graph's id.")]
DatasetPath = Annotated[DatasetId, Path(alias="id", description="The dataset's id.")]
JobPath = Annotated[JobId, Path(alias="id", description="The job's id.")]
ModelPath = Annotated[ModelId, Path(alias="id", description="The model's id.")]
