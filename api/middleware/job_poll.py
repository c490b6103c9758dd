"""Answers polls of a job from its cached snapshot, before routing."""

from starlette.types import ASGIApp, Receive, Scope, Send

from api.access.principal import SCOPE
from api.http.etags import Conditions
from api.http.job_snapshots import Snapshot, Snapshots
from api.http.route_options import PathRoute
from domain.errors import GraphfitError


class JobPolling:
    """ASGI middleware: sending a cached snapshot costs less than routing the request.

    The polled route's path ends with the job's id: `/v1/jobs/{id}`.
    """

    def __init__(self, app: ASGIApp, snapshots: Snapshots, route: PathRoute) -> None:
        self.app = app
        self._snapshots = snapshots
        self._route = route
        self._prefix = route.path[: route.path.index("{")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        snapshot = await self._find_snapshot(scope) if scope["type"] == "http" else None
        if snapshot is None:
            await self.app(scope, receive, send)
        else:
            scope["route"] = self._route  # its path labels the request's metrics
            conditions = Conditions(None, _get_header(scope, b"if-none-match"))
            await snapshot.make_response(conditions)(scope, receive, send)

    async def _find_snapshot(self, scope: Scope) -> Snapshot | None:
        path: str = scope["path"]
        if scope["method"] != "GET" or not path.startswith(self._prefix) or scope["query_string"]:
            return None
        if _get_header(scope, b"if-match") is not None:  # the route answers 412
            return None
        try:
            return await self._snapshots.find((scope[SCOPE].owner, path[len(self._prefix) :]))
        except GraphfitError:
            return None  # the route reads the job again, and answers with the error


def _get_header(scope: Scope, wanted: bytes) -> str | None:
    for name, value in scope["headers"]:
        if name == wanted:
            text: str = value.decode("latin-1")
            return text
    return None
