"""The order of connections that wait: in turns between clients, and between their groups."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from api.http.connections.clients import Client

T = TypeVar("T")


class TurnOrder(Generic[T]):
    """Waiting items, each of which belongs to a client.

    The names of clients take turns, then the groups of a name. The items of one group keep their
    order.
    """

    def __init__(self) -> None:
        self._clients: dict[T, Client] = {}
        self._names: OrderedDict[str, OrderedDict[Client, OrderedDict[T, None]]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._clients)

    def __contains__(self, item: T) -> bool:
        return item in self._clients

    def add(self, client: Client, item: T) -> None:
        """Appends an item, unless it waits already for this client."""
        if self._clients.get(item) == client:
            return
        self.remove(item)
        self._clients[item] = client
        groups = self._names.setdefault(client.name, OrderedDict())
        groups.setdefault(client, OrderedDict())[item] = None

    def remove(self, item: T) -> None:
        """Removes an item, if it waits."""
        client = self._clients.pop(item, None)
        if client is None:
            return
        groups = self._names[client.name]
        del groups[client][item]
        if not groups[client]:
            del groups[client]
        if not groups:
            del self._names[client.name]

    def take(self, may_take: Callable[[Client], bool]) -> T | None:
        """Removes and returns the next item of a client that may take a turn; None if none may."""
        for _ in range(len(self._names)):
            name = next(iter(self._names))
            self._names.move_to_end(name)
            item = self._find(name, may_take)
            if item is not None:
                self.remove(item)
                return item
        return None

    def _find(self, name: str, may_take: Callable[[Client], bool]) -> T | None:
        groups = self._names[name]
        for _ in range(len(groups)):
            client = next(iter(groups))
            groups.move_to_end(client)
            if may_take(client):
                return next(iter(groups[client]))
        return None
