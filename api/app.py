"""Creates the application: its services, routes, middleware and error handlers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute

from api.access.api_keys import KeyCheck
from api.access.key_cache import KeyCache
from api.access.loopback import LoopbackGuard
from api.dependencies.parameters import Services
from api.dependencies.query_check import check_query
from api.http.job_snapshots import Snapshots
from api.http.route_options import select_routes
from api.middleware.body_limit import BodyLimit
from api.middleware.job_poll import JobPolling
from api.middleware.metrics import Metrics, Observer
from api.middleware.shutdown import ShutdownResponder
from api.openapi.document import set_document
from api.problems.error_field import set_error_field_paths
from api.problems.handlers import add_handlers
from api.routes import (
    catalogue,
    datasets,
    docs_pages,
    graphs,
    health,
    info,
    job_control,
    job_events,
    jobs,
    models,
    predict,
    workers,
)
from api.settings import Settings
from application.children.catalogue import Catalogue
from application.children.pool import Checker
from application.prediction.predictor import Predictor
from application.submission.jobs import JobServices
from models_store.broker.celery import celery_app
from models_store.broker.wake_sender import WakeSender
from models_store.database.engine import Database
from models_store.files.cache import Cache
from models_store.files.store import open_store
from models_store.settings import Settings as StoreSettings

ROUTERS = (  # in the order of their share of requests
    predict.router,
    jobs.router,
    job_control.router,
    job_events.router,
    datasets.router,
    graphs.router,
    catalogue.router,
    models.router,
    workers.router,
    info.router,
    health.router,
    docs_pages.router,
)


def create_app(
    settings: Settings | None = None, store_settings: StoreSettings | None = None
) -> FastAPI:
    """Creates the application from the given settings, or from those of the environment."""
    settings = settings or Settings()
    services = assemble(settings, store_settings or StoreSettings())
    app = FastAPI(
        title="Graphfit",
        lifespan=_lifespan,
        dependencies=[Depends(check_query)],
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    app.state.services = services
    for router in ROUTERS:
        app.include_router(router)
    docs_pages.add_documentation(app)
    set_document(app)
    add_handlers(app)
    # `app.routes` has each router as one route, without the routes inside it
    routes = [route for router in ROUTERS for route in router.routes] + app.routes
    with_error_field = select_routes(routes, lambda options: options.has_error_field)
    set_error_field_paths(app, [route.path for route in with_error_field])
    _add_middleware(app, routes, services)
    return app


def _add_middleware(app: FastAPI, routes: list[BaseRoute], services: Services) -> None:
    """Adds the middleware; the last one added handles a request first."""
    (polled,) = select_routes(routes, lambda options: options.is_polled)
    app.add_middleware(BodyLimit, settings=services.settings, routes=routes)
    app.add_middleware(JobPolling, snapshots=services.snapshots, route=polled)
    if services.settings.auth == "keys":
        app.add_middleware(KeyCheck, keys=services.keys, routes=routes)
    else:
        app.add_middleware(LoopbackGuard)
    app.add_middleware(ShutdownResponder)
    app.add_middleware(Observer, metrics=services.metrics)


def assemble(settings: Settings, store_settings: StoreSettings) -> Services:
    """Creates the services and starts none."""
    database = Database.from_settings(store_settings)
    artifacts = open_store(store_settings)
    celery = celery_app(store_settings)
    metrics = Metrics(database)
    checker = Checker.of(settings, metrics.count_child)
    folder = store_settings.data_folder / "predict-cache"
    cache = Cache(folder, settings.predict_cache_bytes, "PREDICT_CACHE_BYTES")
    return Services(
        settings=settings,
        database=database,
        artifacts=artifacts,
        celery=celery,
        calls=WakeSender(celery),
        checker=checker,
        catalogue=Catalogue(checker, settings),
        job_services=JobServices(settings, database, checker),
        predictor=Predictor(settings, database, artifacts, checker, cache),
        snapshots=Snapshots(),
        keys=KeyCache(database),
        metrics=metrics,
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    services.checker.start()
    yield
    await run_in_threadpool(services.database.close)
