"""The queue of predictions takes turns, and lets no tenant take everything."""

import threading

import pytest

from application.prediction.fair_queue import FairQueue, QueueFull


def take_all(queue: FairQueue[str], count: int) -> list[str]:
    """Takes and finishes items one after the other."""
    taken = []
    for _ in range(count):
        found = queue.take()
        assert found is not None
        tenant, item = found
        taken.append(item)
        queue.finish(tenant)
    return taken


def test_tenants_take_turns_and_so_do_their_models() -> None:
    queue = FairQueue[str](most_running=1, most_waiting=100)
    for item in ("a1", "a2", "a3", "a4"):
        queue.put("a", "large", item)
    queue.put("a", "small", "a-small")
    queue.put("b", "model", "b1")
    assert take_all(queue, 6) == ["a1", "b1", "a-small", "a2", "a3", "a4"]


def test_a_tenant_runs_at_most_its_number_of_items_at_once() -> None:
    queue = FairQueue[str](most_running=1, most_waiting=100)
    queue.put("a", "model", "a1")
    queue.put("a", "model", "a2")
    queue.put("b", "model", "b1")
    assert queue.take() == ("a", "a1")
    assert queue.take() == ("b", "b1")
    taken: list[tuple[str, str] | None] = []
    waiting = threading.Thread(target=lambda: taken.append(queue.take()))
    waiting.start()
    waiting.join(0.05)
    assert not taken
    queue.finish("a")
    waiting.join(10)
    assert taken == [("a", "a2")]


def test_a_tenant_fills_at_most_half_of_the_queue() -> None:
    queue = FairQueue[str](most_running=1, most_waiting=4)
    queue.put("a", "model", "a1")
    queue.put("a", "other", "a2")
    with pytest.raises(QueueFull):
        queue.put("a", "third", "a3")
    queue.put("b", "model", "b1")
    queue.put("c", "model", "c1")
    with pytest.raises(QueueFull):
        queue.put("d", "model", "d1")
    take_all(queue, 1)
    queue.put("a", "third", "a3")


def test_closing_returns_what_waits_and_ends_those_who_take() -> None:
    queue = FairQueue[str](most_running=1, most_waiting=4)
    queue.put("a", "model", "a1")
    assert queue.take() == ("a", "a1")
    queue.put("a", "model", "a2")
    taken: list[object] = ["nothing"]
    waiting = threading.Thread(target=lambda: taken.append(queue.take()))
    waiting.start()
    assert queue.close() == ["a2"]
    waiting.join(10)
    assert taken == ["nothing", None]
