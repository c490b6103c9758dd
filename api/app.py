"""Creates the application: its services, routes, middleware and error handlers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import Depends, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute

from api.access.api_keys import KeyCheck
from api.access.key_cache import KeyCache
from api.access.loopback import LoopbackGuard
from api.dependencies.parameters import Services
from api.dependencies.preconditions import check_preconditions
from api.dependencies.query_check import check_query
from api.dependencies.work_turn import take_work_turn
from api.http.bodies.large_bodies import MOST_LARGE_BODIES
from api.http.bodies.uploads import MOST_UPLOADS
from api.http.job_snapshots import Snapshots
from api.http.route_options import select_routes
from api.http.turns import Turns
from api.middleware.body_limit import BodyLimit
from api.middleware.compression import Compression
from api.middleware.head import HeadRequests
from api.middleware.job_poll import JobPolling
from api.middleware.metrics import Metrics, Observer
from api.middleware.quick_predict import QuickPredictions
from api.middleware.shutdown import ShutdownResponder
from api.openapi.document import set_document
from api.openapi.operations import make_operation_id
from api.problems.error_field import set_error_field_paths
from api.problems.handlers import add_handlers
from api.routes import (
    catalogue,
    dataset_split,
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
    problems,
    tf_serving,
    uploads,
    workers,
)
from api.routes.predict import MOST_LOADING
from api.routes.sweeps import sweeps, trials
from api.settings import Settings
from api.streams.open_streams import OpenStreams
from application.children.catalogue import Catalogue
from application.children.pool import Checker
from application.prediction.pool import PredictionPool
from application.prediction.predictor import Predictor
from application.prediction.preparation import Preparation
from application.submission.checkpoint_models import CheckpointModels
from application.submission.import_jobs import ImportServices
from application.submission.limits import get_request_limits
from application.submission.services import JobServices
from application.sweeps.optimizer import Optimizer
from application.sweeps.progress import SweepServices
from application.sweeps.runner import SweepRunner
from domain.job.sources import parse_allowed
from models_store.broker.celery import celery_app
from models_store.broker.wake_sender import WakeSender
from models_store.database.engine import Database
from models_store.files.cache import Cache
from models_store.files.store import open_store
from models_store.settings import Settings as StoreSettings
from models_store.uploads.receiver import Uploads

MOST_WORKING = 2
"""The largest number of requests of one owner whose endpoints run in threads at the same time."""
ROUTERS = (  # in the order of their share of requests
    predict.router,
    jobs.router,
    job_control.router,
    job_events.router,
    sweeps.router,
    trials.router,
    datasets.router,
    dataset_split.router,
    uploads.router,
    graphs.router,
    catalogue.router,
    models.router,
    tf_serving.router,
    workers.router,
    info.router,
    health.router,
    docs_pages.router,
    problems.router,
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
        dependencies=[
            Depends(check_query),
            Depends(check_preconditions),
            Depends(take_work_turn, scope="function"),
        ],
        docs_url=None,
        openapi_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
        generate_unique_id_function=make_operation_id,
    )
    app.state.services = services
    for router in ROUTERS:
        app.include_router(router)
    set_document(app)
    add_handlers(app)
    # `app.routes` has each router as one route, without the routes inside it
    routes = [route for router in ROUTERS for route in router.routes] + app.routes
    app.state.routes = routes
    with_error_field = select_routes(routes, lambda options: options.has_error_field)
    set_error_field_paths(app, [route.path for route in with_error_field])
    _add_middleware(app, routes, services)
    return app


def _add_middleware(app: FastAPI, routes: list[BaseRoute], services: Services) -> None:
    """Adds the middleware; the last one added handles a request first."""
    (polled,) = select_routes(routes, lambda options: options.is_polled)
    (quick,) = select_routes(routes, lambda options: options.is_quick)
    app.add_middleware(BodyLimit, settings=services.settings, routes=routes)
    app.add_middleware(Compression)
    answer = partial(predict.answer_quickly, services)
    app.add_middleware(QuickPredictions, answer=answer, route=quick)
    app.add_middleware(JobPolling, snapshots=services.snapshots, route=polled)
    app.add_middleware(HeadRequests)
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
    receiver = Uploads(database, artifacts, store_settings.upload_hours)
    checker = Checker.of(settings, metrics.count_child)
    folder = store_settings.data_folder / "predict-cache"
    cache = Cache(folder, settings.predict_cache_bytes, "PREDICT_CACHE_BYTES")
    pool = PredictionPool(settings, metrics.count_child)
    lock = store_settings.data_folder / "predict-cache.lock"
    preparation = Preparation(settings, database, artifacts, cache, lock)
    poll_turns = _make_turns(settings, MOST_WORKING, "polls")
    calls = WakeSender(celery)
    optimizer = Optimizer(settings)
    predictor = Predictor(settings, database, artifacts, checker, cache, pool, preparation)
    job_services = JobServices(
        settings,
        database,
        checker,
        get_request_limits(settings, store_settings.max_job_seconds),
        artifacts,
        ImportServices(
            receiver, settings.max_upload_bytes, parse_allowed(store_settings.import_hosts)
        ),
    )
    sweep_services = SweepServices(job_services, optimizer, calls.wake, predictor.unload)
    return Services(
        settings=settings,
        database=database,
        artifacts=artifacts,
        uploads=receiver,
        celery=celery,
        calls=calls,
        checker=checker,
        catalogue=Catalogue(checker, settings),
        job_services=job_services,
        checkpoint_models=CheckpointModels(settings, database, artifacts, checker),
        predictor=predictor,
        optimizer=optimizer,
        sweeps=SweepRunner(sweep_services),
        snapshots=Snapshots(partial(jobs.read_snapshot, database), poll_turns),
        streams=OpenStreams(settings.max_event_streams),
        keys=KeyCache(database),
        upload_turns=_make_turns(settings, MOST_UPLOADS // 2, "uploads"),
        check_turns=_make_turns(settings, settings.checks_at_once, "checks"),
        large_turns=Turns(
            2 * MOST_LARGE_BODIES,
            settings.predict_seconds,
            "large bodies",
            most_of_owner=MOST_LARGE_BODIES,
        ),
        load_turns=_make_turns(settings, MOST_LOADING, "models"),
        poll_turns=poll_turns,
        work_turns=_make_turns(settings, MOST_WORKING, "requests"),
        metrics=metrics,
    )


def _make_turns(settings: Settings, of_owner: int, work: str) -> Turns:
    """Returns turns that leave as many for other owners as one owner may have."""
    return Turns(2 * of_owner, settings.check_wait_seconds, work, most_of_owner=of_owner)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    services.checker.start()
    services.predictor.start()
    services.sweeps.start()
    yield
    await run_in_threadpool(services.sweeps.close)
    await run_in_threadpool(services.predictor.close)
    await run_in_threadpool(services.database.close)
