"""What an endpoint may ask for: the program's parts, the owner, a page, a key."""

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
    """The parts of the running program, put together in `api.app` alone."""

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
    """The parts that this application was made with."""
    services: Services = request.app.state.services
    return services


@dataclass(frozen=True)
class PageRequest:
    """Which part of a list is asked for."""

    size: int
    cursor: str | None


async def get_page_request(
    page_size: Annotated[int, Query(ge=1, le=200, description="Items of one page.")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=128, description="`next_cursor` of the page before.")
    ] = None,
) -> PageRequest:
    """The query parameters of every list."""
    return PageRequest(page_size, cursor)


Parts = Annotated[Services, Depends(get_services)]
Paging = Annotated[PageRequest, Depends(get_page_request)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Send the same key again and get the first answer again, for 24 hours.",
    ),
]
IfNoneMatch = Annotated[
    str | None, Header(description="The `ETag` of what you have: 304 when nothing changed.")
]
GraphPath = Annotated[GraphId, Path(alias="id", description="The graph's id.")]
DatasetPath = Annotated[DatasetId, Path(alias="id", description="The dataset's id.")]
JobPath = Annotated[JobId, Path(alias="id", description="The job's id.")]
ModelPath = Annotated[ModelId, Path(alias="id", description="The model's id.")]
