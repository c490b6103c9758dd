"""Jobs as their owners see them, on both databases."""

import pytest

from domain.errors import Conflict, Invalid, NotFound
from domain.job.job import JobState
from models_store.database.engine import Database
from models_store.database.paging import PageRequest
from models_store.jobs import control, jobs
from models_store.records import uses
from tests.support import queued_jobs
from tests.support.queued_jobs import queue


def test_pages_are_newest_first_and_the_last_has_no_cursor(database: Database) -> None:
    with database.write() as connection:
        ids = sorted((queue(connection) for _ in range(5)), reverse=True)
    with database.read() as connection:
        first = jobs.get_page(connection, "local", PageRequest(3))
        second = jobs.get_page(connection, "local", PageRequest(3, first.next_cursor))
    assert [row.id for row in (*first.rows, *second.rows)] == ids
    assert second.next_cursor is None


@pytest.mark.parametrize("cursor", ["%%%", "XwA"])  # the second decodes to `_` and NUL
def test_a_malformed_cursor_is_refused(database: Database, cursor: str) -> None:
    with pytest.raises(Invalid), database.read() as connection:
        jobs.get_page(connection, "local", PageRequest(3, cursor))


def test_owners_do_not_see_each_other(database: Database) -> None:
    with database.write() as connection:
        foreign = queue(connection, owner="somebody")
    with database.read() as connection:
        assert jobs.get_page(connection, "local", PageRequest(3)).rows == []
        with pytest.raises(NotFound):
            jobs.get(connection, "local", foreign)


def test_lists_are_filtered_by_state_and_metadata(database: Database) -> None:
    with database.write() as connection:
        red = queue(connection, metadata={"colour": "red", "size": "1"})
        queue(connection, metadata={"colour": "blue", "size": "1"})
        queued_jobs.claim(connection)
    with database.read() as connection:
        found = jobs.get_page(
            connection, "local", PageRequest(9), metadata={"colour": "red", "size": "1"}
        )
        assert [row.id for row in found.rows] == [red]
        queued = jobs.get_page(connection, "local", PageRequest(9), state=JobState.QUEUED)
        assert len(queued.rows) == 1


def test_a_resource_is_in_use_until_its_job_has_ended(database: Database) -> None:
    used = "graph_" + "0" * 26
    with database.write() as connection:
        job_id = queue(connection)
        uses.insert_uses(connection, "local", job_id, [used])
        with pytest.raises(Conflict, match=job_id):
            uses.refuse_if_used(connection, "local", used)
        control.cancel(connection, "local", job_id)
        uses.refuse_if_used(connection, "local", used)
