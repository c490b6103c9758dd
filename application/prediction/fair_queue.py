"""A queue of predictions that takes turns between tenants, and between the models of a tenant."""

import threading
from collections import Counter, OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class QueueFull(Exception):
    """The queue, or the tenant's part of it, holds as many items as it may."""


class FairQueue(Generic[T]):
    """Gives items to several threads. No tenant can take all threads or all places.

    A tenant runs at most `most_running` items at once. Tenants take turns; so do the models of a
    tenant. The items of one model keep their order.
    """

    def __init__(self, most_running: int, most_waiting: int) -> None:
        """Creates an empty queue.

        Args:
            most_running: The largest number of items of one tenant that run at once.
            most_waiting: The largest number of waiting items; a tenant may have half of it.
        """
        self._most_running = most_running
        self._most_waiting = most_waiting
        self._changed = threading.Condition()
        self._waiting: OrderedDict[str, OrderedDict[str, deque[T]]] = OrderedDict()
        self._lengths: Counter[str] = Counter()
        self._running: Counter[str] = Counter()
        self._is_closed = False

    def put(self, tenant: str, model: str, item: T) -> None:
        """Adds an item.

        Raises:
            QueueFull: the queue or the tenant's half of it is full.
        """
        with self._changed:
            if (
                self._lengths.total() >= self._most_waiting
                or self._lengths[tenant] >= self._most_waiting // 2
            ):
                raise QueueFull
            models = self._waiting.setdefault(tenant, OrderedDict())
            models.setdefault(model, deque()).append(item)
            self._lengths[tenant] += 1
            self._changed.notify()

    def take(self) -> tuple[str, T] | None:
        """Waits for the next item; returns it with its tenant, or None once the queue is closed.

        The caller calls `finish` with the tenant after it has run the item.
        """
        with self._changed:
            while not self._is_closed:
                tenant = self._find_next_tenant()
                if tenant is not None:
                    self._running[tenant] += 1
                    return tenant, self._pop(tenant)
                self._changed.wait()
            return None

    def finish(self, tenant: str) -> None:
        """Frees the place of an item that `take` returned."""
        with self._changed:
            self._running[tenant] -= 1
            if not self._running[tenant]:
                del self._running[tenant]
            self._changed.notify()

    def close(self) -> list[T]:
        """Ends all calls of `take`, and returns the items that still wait."""
        with self._changed:
            self._is_closed = True
            left = [
                i for models in self._waiting.values() for items in models.values() for i in items
            ]
            self._waiting.clear()
            self._lengths.clear()
            self._changed.notify_all()
            return left

    def _find_next_tenant(self) -> str | None:
        return next((t for t in self._waiting if self._running[t] < self._most_running), None)

    def _pop(self, tenant: str) -> T:
        models = self._waiting[tenant]
        model, items = next(iter(models.items()))
        item = items.popleft()
        models.move_to_end(model)
        if not items:
            del models[model]
        self._waiting.move_to_end(tenant)
        self._lengths[tenant] -= 1
        if not models:
            del self._waiting[tenant], self._lengths[tenant]
        return item
