"""A page of rows ends early if its rows are large."""

from itertools import accumulate

import pytest

from models_store.database.engine import Database
from models_store.database.paging import PageRequest, count_fitting
from models_store.database.tables import jobs as jobs_table
from models_store.jobs import attempts, jobs
from models_store.records import events
from tests.support import queued_jobs

LARGE = "x" * 100_000
METADATA = {f"k{i}": "x" * 500 for i in range(96)}
"""About 50,000 characters, which are stored in two columns of a job."""


@pytest.mark.parametrize(
    ("lengths", "most", "count"),
    [
        ([], 10, 0),
        ([3, 3, 3], 10, 3),
        ([3, 3, 4], 10, 3),
        ([3, 3, 5, 1], 10, 2),
        ([11, 1], 10, 1),
        ([0, 0, 11], 10, 2),
    ],
)
def test_the_items_that_fit_are_counted(lengths: list[int], most: int, count: int) -> None:
    assert count_fitting(lengths, most) == count
    fitting = sum(total <= most for total in accumulate(lengths))
    assert count == max(fitting, min(1, len(lengths)))


def test_a_list_of_large_jobs_has_several_pages(database: Database) -> None:
    with database.write() as connection:
        large = {queued_jobs.queue(connection, metadata=METADATA) for _ in range(5)}
        small = {queued_jobs.queue(connection) for _ in range(3)}
    newest_first = sorted(large | small, reverse=True)
    pages, cursor = [], None
    while True:
        with database.read() as connection:
            page = jobs.get_page(connection, "local", PageRequest(50, cursor, most_bytes=250_000))
        pages.append([row.id for row in page.rows])
        if (cursor := page.next_cursor) is None:
            break
    assert [identifier for page in pages for identifier in page] == newest_first
    assert [len(large.intersection(page)) for page in pages] == [2, 2, 1]


def test_a_row_that_is_larger_than_a_page_has_a_page_of_its_own(database: Database) -> None:
    with database.write() as connection:
        ids = [queued_jobs.queue(connection) for _ in range(2)]
        page = jobs.get_page(connection, "local", PageRequest(50, most_bytes=10))
        rest = jobs.get_page(connection, "local", PageRequest(50, page.next_cursor, most_bytes=10))
    assert [row.id for row in page.rows] == [max(ids)]
    assert [row.id for row in rest.rows] == [min(ids)]
    assert rest.next_cursor is None


def test_plans_are_not_read_for_a_list(database: Database) -> None:
    with database.write() as connection:
        queued_jobs.queue(connection)
        (row,) = jobs.get_page(connection, "local", PageRequest(50)).rows
    assert {*row._mapping} == {column.name for column in jobs_table.c} - {"plan"}


def test_a_page_of_large_events_ends_early(database: Database) -> None:
    claim = queued_jobs.claimed(database)
    with database.write() as connection:
        for index in range(4):
            attempts.warn(connection, claim, f"{index}{LARGE}")

    def get(after: int, size: int = 50) -> tuple[list[int], bool]:
        with database.read() as connection:
            page = events.get_page(connection, "local", claim.job_id, after, size, 250_000)
        return [event.id for event in page.events], page.has_more

    assert get(0) == ([1, 2, 3, 4], True)
    assert get(4) == ([5, 6], False)
    assert get(4, 1) == ([5], True)
    assert get(6) == ([], False)
    with database.read() as connection:
        assert events.get_newest(connection, "local", claim.job_id) == 6
        assert events.get_newest(connection, "other", claim.job_id) == 0
