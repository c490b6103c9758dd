"""Answers polls of a job from its cached snapshot, before routing."""

from starlette.types import ASGIApp, Receive, Scope, Send

from api.access.principal import SCOPE
from api.http.job_snapshots import Snapshot, Snapshots
from api.http.route_options import PathRoute


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
        snapshot = self._get_snapshot(scope) if scope["type"] == "http" else None
        if snapshot is None:
            await self.app(scope, receive, send)
        else:
            scope["route"] = self._route  # its path labels the request's metrics
            await snapshot.make_response(_get_if_none_match(scope))(scope, receive, send)

    def _get_snapshot(self, scope: Scope) -> Snapshot | None:
        path: str = scope["path"]
        if scope["method"] != "GET" or not path.startswith(self._prefix) or scope["query_string"]:
            return None
        return self._snapshots.find_fresh((scope[SCOPE].owner, path[len(self._prefix) :]))


def _get_if_none_match(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"if-none-match":
            text: str = value.decode("latin-1")
            return text
    return None
