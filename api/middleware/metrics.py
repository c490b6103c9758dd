"""The metrics of the service, for Prometheus."""

import time
from collections.abc import Iterator
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.job.job import JobState
from models_store.database.engine import Database
from models_store.jobs import jobs

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
UNKNOWN = "unknown"
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The metrics of one application."""

    def __init__(self, database: Database) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "graphfit_http_requests",
            "Requests by route and status.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "graphfit_http_request_seconds",
            "Time until the response to a request began.",
            ("route",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.children = Histogram(
            "graphfit_child_seconds",
            "Checks, exports and predictions in forked children, by function and outcome.",
            ("function", "outcome"),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.predictions = Counter(
            "graphfit_predicted_rows", "Rows predicted.", ("engine",), registry=self.registry
        )
        self._count_rows = cache(self.predictions.labels)
        self.registry.register(_Jobs(database))

    def count_rows(self, engine: str, rows: int) -> None:
        """Counts the rows of one prediction."""
        self._count_rows(engine).inc(rows)

    def count_child(self, function: str, outcome: str, seconds: float) -> None:
        """Counts one check, export or prediction in a child."""
        self.children.labels(function, outcome).observe(seconds)


class _Jobs(Collector):
    """The number of jobs by state, read from the database at each scrape."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Yields only the name of the metric, so that registering does not read the database."""
        yield _make_gauge()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yields the metric with one value for each state."""
        with self._database.read() as connection:
            counts = jobs.count_by_state(connection)
        gauge = _make_gauge()
        for state in JobState:
            gauge.add_metric([state.value], counts.get(state.value, 0))
        yield gauge


def _make_gauge() -> GaugeMetricFamily:
    return GaugeMetricFamily("graphfit_jobs", "Jobs by state.", labels=["state"])


class Observer:
    """ASGI middleware that counts each request when its response begins."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self._requests = cache(
            metrics.requests.labels
        )  # a lookup of labels costs more than counting
        self._seconds = cache(metrics.seconds.labels)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        has_started = False

        async def observe(message: Message) -> None:
            nonlocal has_started
            if not has_started:
                has_started = True
                self._count(scope, message["status"], time.perf_counter() - started)
            await send(message)

        try:
            await self.app(scope, receive, observe)
        except Exception:
            if not has_started:
                self._count(scope, 500, time.perf_counter() - started)
            raise

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = _get_route_pattern(scope)
        self._requests(scope["method"], route, status).inc()
        self._seconds(route).observe(seconds)


def _get_route_pattern(scope: Scope) -> str:
    """Returns the pattern of the route, since a label for each path would be unbounded."""
    return getattr(scope.get("route"), "path", UNKNOWN)
