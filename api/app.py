"""Puts the program together: the one place where its parts meet."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from starlette.concurrency import run_in_threadpool

from api import (
    datasets,
    documentation,
    events,
    graphs,
    health,
    info,
    jobs,
    layers,
    models,
    ops,
    predict,
    steering,
    workers,
)
from api.auth import KeyCheck
from api.body_limit import BodyLimit
from api.catalogue import Catalogue
from api.checker import Checker
from api.dependencies import Services
from api.document import described
from api.farewell import Farewell
from api.guard import LoopbackGuard
from api.keys import KeyRing
from api.metrics import Metrics, Observer
from api.op_catalogue import OpCatalogue
from api.polling import Polling
from api.predictor import Predictor
from api.problem_handlers import add_handlers
from api.queries import known_parameters
from api.settings import Settings
from api.snapshots import Snapshots
from models_store.artifacts import open_store
from models_store.cache import Cache
from models_store.calls import Calls
from models_store.database import Database
from models_store.queue import celery_app
from models_store.settings import Settings as StoreSettings

ROUTERS = (  # those that are asked most come first
    predict.router,
    jobs.router,
    steering.router,
    events.router,
    datasets.router,
    graphs.router,
    layers.router,
    ops.router,
    models.router,
    workers.router,
    info.router,
    health.router,
    documentation.router,
)


def create_app(
    settings: Settings | None = None, store_settings: StoreSettings | None = None
) -> FastAPI:
    """The service, by the settings given or those of the environment."""
    settings = settings or Settings()
    services = assemble(settings, store_settings or StoreSettings())
    app = FastAPI(
        title="Graphfit",
        lifespan=_lifespan,
        dependencies=[Depends(known_parameters)],
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    app.state.services = services
    for router in ROUTERS:
        app.include_router(router)
    documentation.add_static_files(app)
    described(app)
    add_handlers(app)
    app.add_middleware(BodyLimit, settings=settings)
    app.add_middleware(Polling, snapshots=services.snapshots)
    if settings.auth == "keys":
        app.add_middleware(KeyCheck, ring=services.keys)
    else:
        app.add_middleware(LoopbackGuard)
    app.add_middleware(Farewell)
    app.add_middleware(Observer, metrics=services.metrics)
    return app


def assemble(settings: Settings, store_settings: StoreSettings) -> Services:
    """The parts, made but not started."""
    database = Database.of(store_settings)
    artifacts = open_store(store_settings)
    celery = celery_app(store_settings)
    metrics = Metrics(database)
    checker = Checker.of(settings, metrics.child_ended)
    folder = store_settings.data_folder / "predict-cache"
    cache = Cache(folder, settings.predict_cache_bytes, "PREDICT_CACHE_BYTES")
    return Services(
        settings=settings,
        database=database,
        artifacts=artifacts,
        celery=celery,
        calls=Calls(celery),
        checker=checker,
        catalogue=Catalogue(checker, settings),
        op_catalogue=OpCatalogue(checker, settings),
        predictor=Predictor(settings, database, artifacts, checker, cache),
        snapshots=Snapshots(),
        keys=KeyRing(database),
        metrics=metrics,
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    services.checker.start()
    yield
    await run_in_threadpool(services.database.close)
