"""Each client may have as many requests in progress as are free."""

import pytest

from api.http.connections.clients import Client
from api.http.connections.shares import Shares

MOST = 60


def fill(shares: Shares, clients: list[Client]) -> list[int]:
    """Lets the clients begin in turns until none may begin; returns the counts."""
    counts = dict.fromkeys(clients, 0)
    while may_begin := [client for client in clients if shares.may_begin(client)]:
        for client in may_begin:
            if shares.may_begin(client):
                shares.begin(client)
                counts[client] += 1
    return list(counts.values())


@pytest.mark.parametrize(("clients", "count"), [(1, 30), (2, 20), (5, 10), (29, 2)])
def test_some_are_left_however_many_clients_take_all_they_may(clients: int, count: int) -> None:
    shares = Shares(MOST)
    counts = fill(shares, [Client(str(number)) for number in range(clients)])
    assert counts == [count] * clients
    assert shares.may_begin(Client("another"))


def test_a_finished_request_is_free_again() -> None:
    shares, client = Shares(MOST), Client("a")
    fill(shares, [client])
    shares.finish(client)
    assert shares.may_begin(client)
    shares.begin(client)
    assert not shares.may_begin(client)


def test_there_may_be_no_limit() -> None:
    shares, client = Shares(None), Client("a")
    for _ in range(1000):
        shares.begin(client)
    assert shares.may_begin(client)
