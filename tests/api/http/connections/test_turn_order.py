"""Names of clients take turns, then their groups; the items of a group keep their order."""

from api.http.connections.clients import Client
from api.http.connections.turn_order import TurnOrder


def fill(*items: str) -> TurnOrder[str]:
    """Adds items whose first letter is the name, and whose second is the group."""
    order: TurnOrder[str] = TurnOrder()
    for item in items:
        order.add(Client(item[0], int(item[1])), item)
    return order


def take_all(order: TurnOrder[str]) -> list[str]:
    taken = []
    while (item := order.take(lambda _: True)) is not None:
        taken.append(item)
    return taken


def test_names_take_turns_and_then_groups() -> None:
    order = fill("a1-1", "a1-2", "a1-3", "a2-1", "b1-1", "b1-2", "c1-1")
    assert take_all(order) == ["a1-1", "b1-1", "c1-1", "a2-1", "b1-2", "a1-2", "a1-3"]
    assert not order


def test_one_item_waits_for_at_most_one_item_of_each_other_name() -> None:
    order = fill(*[f"a{number % 10}-{number}" for number in range(500)], "b0-0")
    assert "b0-0" in take_all(order)[:2]


def test_a_client_that_may_take_no_turn_is_passed_over() -> None:
    order = fill("a1-1", "a2-1", "b1-1")
    assert order.take(lambda client: client == Client("a", 2)) == "a2-1"
    assert order.take(lambda _: False) is None
    assert take_all(order) == ["b1-1", "a1-1"]


def test_an_item_waits_once_and_for_its_last_client() -> None:
    order = fill("a1-1", "b1-1")
    order.add(Client("a", 1), "a1-1")
    order.add(Client("c", 0), "b1-1")
    assert take_all(order) == ["a1-1", "b1-1"]


def test_a_removed_item_is_gone() -> None:
    order = fill("a1-1", "b1-1")
    order.remove("a1-1")
    order.remove("a1-1")
    assert "a1-1" not in order
    assert take_all(order) == ["b1-1"]
