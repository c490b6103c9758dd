"""Lets the requests of an owner take few of the threads in which endpoints work."""

from collections.abc import AsyncIterator
from functools import cache
from inspect import iscoroutinefunction
from typing import Any

from fastapi import Request

from api.access.principal import SCOPE
from api.dependencies.parameters import Services

_is_asynchronous = cache(iscoroutinefunction)


async def take_work_turn(request: Request) -> AsyncIterator[None]:
    """Waits for the turn of a request whose endpoint runs in a thread.

    Threads that run Python hold each other up, and hold up the event loop. An endpoint that is a
    coroutine takes turns of its own kind if its work takes long.

    Raises:
        Busy: Too many requests of the owner are waiting.
        ClientDisconnect: The client has gone meanwhile.
    """
    if _is_asynchronous(request.scope["route"].endpoint):
        yield
        return
    services: Services = request.app.state.services
    async with services.work_turns.take(_get_owner(request), request.scope):
        yield


def _get_owner(request: Request) -> str:
    """Returns the owner of a request; the requests of public routes have one together."""
    principal: Any = request.scope.get(SCOPE)
    return "" if principal is None else principal.owner
