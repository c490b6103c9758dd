"""Parameters of endpoints: the services, a page, headers and ids."""

from dataclasses import dataclass
from typing import Annotated

from celery import Celery
from fastapi import Depends, Header, Path, Query, Request
from starlette.types import Scope

from api.access.key_cache import KeyCache
from api.http.etags import Conditions
from api.http.job_snapshots import Snapshots
from api.http.turns import Turns
from api.middleware.metrics import Metrics
from api.settings import Settings
from api.streams.open_streams import OpenStreams
from application.children.catalogue import Catalogue
from application.children.pool import Checker
from application.prediction.predictor import Predictor
from application.submission.checkpoint_models import CheckpointModels
from application.submission.services import JobServices
from application.sweeps.optimizer import Optimizer
from application.sweeps.runner import SweepRunner
from domain.ids import DatasetId, GraphId, JobId, ModelId, SweepId, UploadId
from models_store.broker.wake_sender import WakeSender
from models_store.database.engine import Database
from models_store.database.paging import PageRequest
from models_store.files.store import ArtifactStore
from models_store.uploads.receiver import Uploads


@dataclass(frozen=True)
class Services:
    """The services of an application; `api.app` creates them."""

    settings: Settings
    database: Database
    artifacts: ArtifactStore
    uploads: Uploads
    celery: Celery
    calls: WakeSender
    checker: Checker
    catalogue: Catalogue
    job_services: JobServices
    checkpoint_models: CheckpointModels
    predictor: Predictor
    optimizer: Optimizer
    sweeps: SweepRunner
    snapshots: Snapshots
    streams: OpenStreams
    keys: KeyCache
    upload_turns: Turns
    check_turns: Turns
    large_turns: Turns
    load_turns: Turns
    poll_turns: Turns
    work_turns: Turns
    metrics: Metrics


async def get_services(request: Request) -> Services:
    """Returns the services of the application."""
    services: Services = request.app.state.services
    return services


async def get_scope(request: Request) -> Scope:
    """Returns the ASGI scope, for an endpoint that waits while its client is connected."""
    return request.scope


async def get_page_request(
    request: Request,
    page_size: Annotated[
        int, Query(ge=1, le=200, description="The largest number of items on a page.")
    ] = 50,
    cursor: Annotated[
        str | None, Query(max_length=128, description="The `next_cursor` of the previous page.")
    ] = None,
) -> PageRequest:
    """Returns the page that the query requests; every list has these parameters."""
    services: Services = request.app.state.services
    return PageRequest(page_size, cursor, services.settings.max_page_bytes)


Parts = Annotated[Services, Depends(get_services)]
CurrentScope = Annotated[Scope, Depends(get_scope)]
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
ContentDigest = Annotated[
    str | None,
    Header(
        alias="Content-Digest",
        description="Hash of the body, e.g. `sha-256=:<Base64>:` (RFC 9530). The service also "
        "takes `Repr-Digest`, and `sha-512`.",
    ),
]
IfMatch = Annotated[
    str | None,
    Header(description="The answer is 412 unless this names the strong `ETag` of the resource."),
]
IfNoneMatch = Annotated[
    str | None,
    Header(description="The `ETag` of an earlier response; the answer is 304 if nothing changed."),
]


async def get_conditions(if_match: IfMatch = None, if_none_match: IfNoneMatch = None) -> Conditions:
    """Returns the conditional headers of a request for a resource with an `ETag`."""
    return Conditions(if_match, if_none_match)


CurrentConditions = Annotated[Conditions, Depends(get_conditions)]
GraphPath = Annotated[GraphId, Path(alias="id", description="The graph's id.")]
DatasetPath = Annotated[DatasetId, Path(alias="id", description="The dataset's id.")]
JobPath = Annotated[JobId, Path(alias="id", description="The job's id.")]
UploadPath = Annotated[UploadId, Path(alias="id", description="The upload's id.")]
SweepPath = Annotated[SweepId, Path(alias="id", description="The sweep's id.")]
ModelPath = Annotated[ModelId, Path(alias="id", description="The model's id.")]
