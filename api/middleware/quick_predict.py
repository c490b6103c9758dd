"""Answers quick predictions before routing."""

from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.principal import SCOPE
from api.http.route_options import PathRoute

QUICK_BYTES = 4096
"""The largest body of a request that is answered here."""
Answer = Callable[[str, str, bytes], Response | None]
"""Returns the response to a prediction, given the owner, the id of the model and the body.

None: the route answers, since the prediction is not known to be quick or has a fault.
"""
_OTHERS = frozenset({b"content-encoding", b"if-match"})
"""Headers that the route must check."""


class QuickPredictions:
    """ASGI middleware: a small prediction takes less time than the routing of its request.

    The path of the route is the id of a model between a prefix and a suffix.
    """

    def __init__(self, app: ASGIApp, answer: Answer, route: PathRoute) -> None:
        self.app = app
        self._answer = answer
        self._route = route
        self._prefix, _, rest = route.path.partition("{")
        self._suffix = rest.partition("}")[2]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http" or not self._may_be_quick(scope):
            await self.app(scope, receive, send)
            return
        message = await receive()
        response = self._find_response(scope, message)
        if response is None:
            await self.app(scope, _put_back(message, receive), send)
        else:
            scope["route"] = self._route  # its path labels the request's metrics
            await response(scope, receive, send)

    def _may_be_quick(self, scope: Scope) -> bool:
        path: str = scope["path"]
        return (
            scope["method"] == "POST"
            and path.endswith(self._suffix)
            and path.startswith(self._prefix)
            and not scope["query_string"]
            and _is_small_json(scope["headers"])
        )

    def _find_response(self, scope: Scope, message: Message) -> Response | None:
        if message["type"] != "http.request" or message.get("more_body"):
            return None
        model_id = scope["path"][len(self._prefix) : -len(self._suffix)]
        return self._answer(scope[SCOPE].owner, model_id, message.get("body", b""))


def _is_small_json(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether the headers are those of a small JSON body, and ask for nothing else."""
    is_json = is_small = False
    for name, value in headers:
        if name == b"content-type":
            is_json = value == b"application/json"
        elif name == b"content-length":
            is_small = value.isdigit() and int(value) <= QUICK_BYTES
        elif name in _OTHERS:
            return False
    return is_json and is_small


def _put_back(message: Message, receive: Receive) -> Receive:
    """Returns `receive` with a message before all others."""
    waiting = [message]

    async def receive_first() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_first
