"""The history of a job: all of its finished epochs, in pages."""

import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import insert

from models_store.database.tables import epochs
from tests.api.requests import faults
from tests.support.api_server import Server
from tests.support.queued_jobs import queue

Metrics = dict[str, float]


def add_history(server: Server, history: list[Metrics]) -> str:
    """Queues a job, adds finished epochs, and returns the address of its history."""
    with server.parts.database.write() as connection:
        job_id = queue(connection, "local")
        rows = [
            {"owner": "local", "job_id": job_id, "epoch": i + 1, "seconds": 0.5, "metrics": metrics}
            for i, metrics in enumerate(history)
        ]
        connection.execute(insert(epochs), rows)
    return f"/v1/jobs/{job_id}/history"


def read_pages(client: httpx.Client, address: str | None, **query: int) -> Iterator[Any]:
    while address is not None:
        answer = client.get(address, params=query or None)
        yield answer.json()
        address, query = answer.links.get("next", {}).get("url"), {}


def test_a_job_without_epochs_has_an_empty_history(server: Server) -> None:
    with server.parts.database.write() as connection:
        job_id = queue(connection, "local")
    answer = server.client.get(f"/v1/jobs/{job_id}/history")
    assert answer.json() == {"epochs": [], "next_cursor": None}
    faults(server.client.get(f"/v1/jobs/job_{'0' * 26}/history"), 404)


def test_a_history_of_ten_thousand_epochs_has_one_page(server: Server) -> None:
    history = [{"loss": 1 / (i + 1), "val_loss": 2 / (i + 1)} for i in range(10_000)]
    (page,) = read_pages(server.client, add_history(server, history))
    assert [epoch["metrics"] for epoch in page["epochs"]] == history
    assert page["next_cursor"] is None


def test_a_history_of_a_thousand_metrics_has_pages_of_bounded_size(server: Server) -> None:
    """Pages follow each other by `Link`, and each is complete in itself."""
    history = [{f"metric_{n}": n / (i + 1) for n in range(1_000)} for i in range(250)]
    history[-1]["metric_7"] = float("nan")
    address = add_history(server, history)
    pages = list(read_pages(server.client, address))
    assert len(pages) > 2
    assert all(len(str(page)) < 1.5 * server.parts.settings.max_page_bytes for page in pages)
    found = list(itertools.chain.from_iterable(page["epochs"] for page in pages))
    assert [epoch["epoch"] for epoch in found] == list(range(1, 251))
    assert [epoch["metrics"] for epoch in found[:-1]] == history[:-1]
    last = len(pages[-1]["epochs"]) - 1
    assert pages[-1]["non_finite"] == {f"/epochs/{last}/metrics/metric_7": "NaN"}


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_pages_of_any_size_give_the_same_history(server: Server, size: int) -> None:
    address = add_history(server, [{"loss": float(i)} for i in range(4)])
    pages = list(read_pages(server.client, address, page_size=size))
    losses = [[epoch["metrics"]["loss"] for epoch in page["epochs"]] for page in pages]
    assert losses == [list(map(float, range(4)))[i : i + size] for i in range(0, 4, size)]


def test_a_client_asks_for_the_epochs_that_it_does_not_have(server: Server) -> None:
    address = add_history(server, [{"loss": float(i)} for i in range(4)])
    answer = server.client.get(address, params={"cursor": "3"})
    assert [epoch["epoch"] for epoch in answer.json()["epochs"]] == [4]
    assert server.client.get(address, params={"cursor": "9"}).json()["epochs"] == []
    for wrong in ("-1", "x", "1.5", "9" * 40):
        assert "cursor" in str(faults(server.client.get(address, params={"cursor": wrong})))
