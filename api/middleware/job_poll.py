"""Answers polls whose answer is at hand, before anything is routed."""

from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from api.access.identity import SCOPE
from api.job_snapshots import Snapshot, Snapshots

PREFIX = "/v1/jobs/"


class Route(NamedTuple):
    """What metrics call these requests."""

    path: str


ROUTE = Route(PREFIX + "{id}")


class Polling:
    """A status poll costs less than routing it: most are answered from a fresh snapshot."""

    def __init__(self, app: ASGIApp, snapshots: Snapshots) -> None:
        self.app = app
        self._snapshots = snapshots

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        snapshot = self._at_hand(scope) if scope["type"] == "http" else None
        if snapshot is None:
            await self.app(scope, receive, send)
        else:
            scope["route"] = ROUTE
            await snapshot.response(_if_none_match(scope))(scope, receive, send)

    def _at_hand(self, scope: Scope) -> Snapshot | None:
        path: str = scope["path"]
        if scope["method"] != "GET" or not path.startswith(PREFIX) or scope["query_string"]:
            return None
        return self._snapshots.fresh((scope[SCOPE].owner, path[len(PREFIX) :]))


def _if_none_match(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"if-none-match":
            text: str = value.decode("latin-1")
            return text
    return None
