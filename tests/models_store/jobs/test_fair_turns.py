"""Owners take turns, within each priority and on each kind of device, on both databases."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Connection

from domain.job.resources import Capacity
from models_store.database.engine import Database
from models_store.jobs import control, leases
from models_store.jobs.claims import Claim
from tests.support import queued_jobs
from tests.support.queued_jobs import CPU, GPU, queue

ONLY_CPU, ONLY_GPU = ({"resources": {"device": kind}} for kind in ("cpu", "gpu"))


def claim(database: Database, capacity: Capacity = CPU) -> Claim:
    with database.write() as connection:
        claimed = queued_jobs.claim(connection, capacity=capacity)
    assert claimed is not None
    return claimed


def owners(database: Database, count: int, capacity: Capacity = CPU) -> str:
    """The owners of the next claims, by the first letters of their names."""
    return "".join(claim(database, capacity).owner[0] for _ in range(count))


@pytest.fixture
def put(database: Database) -> Callable[..., list[str]]:
    def put(owner: str, count: int = 1, **fields: object) -> list[str]:
        with database.write() as connection:
            return [queue(connection, owner, **fields) for _ in range(count)]

    return put


def test_a_hundred_jobs_of_one_owner_hold_up_another_by_one(
    database: Database, put: Callable[..., list[str]]
) -> None:
    put("anna", 100)
    assert owners(database, 20) == "a" * 20
    put("ben")
    assert owners(database, 4) == "abaa"


def test_two_owners_alternate_however_their_jobs_came(
    database: Database, put: Callable[..., list[str]]
) -> None:
    put("anna", 6)
    put("ben", 4)
    assert owners(database, 10) == "abababab" + "aa"


def test_who_sends_one_job_after_the_other_gets_every_second_turn(
    database: Database, put: Callable[..., list[str]]
) -> None:
    put("anna", 50)
    got = owners(database, 10)
    for _ in range(10):  # as soon as one is claimed, the next is there
        put("ben")
        got += owners(database, 2)
    assert got == "a" * 10 + "ab" * 10


def test_owners_that_come_anew_all_the_time_starve_nobody(
    database: Database, put: Callable[..., list[str]]
) -> None:
    put("anna", 20)
    owners(database, 5)
    claimed = ""
    for number in range(15):
        put(f"new-{number}")
        claimed += owners(database, 2)
    assert claimed == "an" * 15


def test_priority_goes_before_turns_and_each_has_its_own(
    database: Database, put: Callable[..., list[str]]
) -> None:
    put("anna", 3)
    put("anna", 3, priority=5)
    put("ben", 2)
    put("ben", 2, priority=5)
    put("carl", priority=-5)
    assert owners(database, 11) == "ababa" + "ababa" + "c"


def test_an_owners_jobs_keep_their_order(database: Database, put: Callable[..., list[str]]) -> None:
    ids = put("anna", 5)
    put("ben", 2)
    mine = [claimed.job_id for claimed in (claim(database) for _ in range(7))]
    assert [job_id for job_id in mine if job_id in ids] == ids


def test_a_job_that_comes_back_keeps_its_turn(
    database: Database, put: Callable[..., list[str]]
) -> None:
    put("anna", 5)
    put("ben", 5)
    lost = claim(database)
    owners(database, 4)
    with database.write() as connection:
        leases.hand_back(connection, lost, "its worker was stopped")
    assert claim(database).job_id == lost.job_id


def test_what_was_cancelled_in_the_queue_counts_for_nobody(
    database: Database, put: Callable[..., list[str]]
) -> None:
    mistaken = put("anna", 20)
    with database.write() as connection:
        for job_id in mistaken:
            control.cancel(connection, "anna", job_id)
    put("ben", 6)
    put("anna", 3)
    put("carl")
    assert owners(database, 10) == "bacbabab"[:3] + "babab" + "bb"


def test_a_job_that_nobody_may_take_yet_does_not_stop_the_turns(
    database: Database, put: Callable[..., list[str]]
) -> None:
    put("zoe", resources={"memory_bytes": 2**60})
    put("anna", 40)
    owners(database, 10)
    claimed = ""
    for number in range(10):
        put(f"ben-{number}")
        put(f"carl-{number}")
        claimed += owners(database, 3)
    assert claimed.count("a") == 10


@pytest.mark.parametrize(("slow", "quick"), [(GPU, CPU), (CPU, GPU)])
def test_each_kind_of_device_has_turns_of_its_own(
    database: Database, put: Callable[..., list[str]], slow: Capacity, quick: Capacity
) -> None:
    put("anna", 30, resources={"device": slow.device})
    put("anna", 30, resources={"device": quick.device})
    owners(database, 3, slow)
    owners(database, 20, quick)
    put("ben", resources={"device": slow.device})
    put("carl")  # wherever it is sooner
    assert owners(database, 3, slow) == "abc"
    assert owners(database, 3, quick) == "aaa"


def test_jobs_for_any_device_are_taken_by_either(
    database: Database, put: Callable[..., list[str]]
) -> None:
    first, second, third = put("anna", 3)
    assert claim(database, GPU).job_id == first
    assert claim(database, CPU).job_id == second
    put("ben", **ONLY_CPU)
    put("ben", **ONLY_GPU)
    assert claim(database, GPU).job_id == third
    assert owners(database, 1, GPU) + owners(database, 1, CPU) == "bb"


def test_jobs_that_are_sent_at_once_get_a_turn_each(database: Database) -> None:
    def send() -> None:
        for _ in range(10):
            with database.write() as connection:
                queue(connection, "anna")

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert owners(database, 5) == "aaaaa"
    with database.write() as connection:
        queue(connection, "ben")
    assert owners(database, 2) == "ab"


def test_two_workers_at_once_share_fairly(database: Database) -> None:
    with database.write() as connection:
        for _ in range(40):
            queue(connection, "anna")
        for _ in range(10):
            queue(connection, "ben")
    claimed: list[str] = []

    def work(connection: Connection) -> None:
        got = queued_jobs.claim(connection)
        assert got is not None
        claimed.append(got.owner)

    def worker() -> None:
        for _ in range(10):
            with database.write() as connection:
                work(connection)

    threads = [threading.Thread(target=worker) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert claimed.count("ben") == 10
