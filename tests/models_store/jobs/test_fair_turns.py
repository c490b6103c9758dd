"""Claims alternate between owners, by priority and kind of device, on both databases."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, select

from domain.job.resources import Capacity
from models_store.database.engine import Database
from models_store.database.tables import jobs
from models_store.jobs import control, fair_turns, leases
from models_store.jobs.claims import Claim
from tests.support import queued_jobs
from tests.support.queued_jobs import CPU, GPU, queue

ONLY_CPU, ONLY_GPU = ({"resources": {"device": kind}} for kind in ("cpu", "gpu"))


def claim_job(database: Database, capacity: Capacity = CPU) -> Claim:
    with database.write() as connection:
        claimed = queued_jobs.claim(connection, capacity=capacity)
    assert claimed is not None
    return claimed


def claim_owners(database: Database, count: int, capacity: Capacity = CPU) -> str:
    """Claims jobs. Returns the first letters of their owners."""
    return "".join(claim_job(database, capacity).owner[0] for _ in range(count))


@pytest.fixture
def queue_jobs(database: Database) -> Callable[..., list[str]]:
    def queue_jobs(owner: str, count: int = 1, **fields: object) -> list[str]:
        with database.write() as connection:
            return [queue(connection, owner, **fields) for _ in range(count)]

    return queue_jobs


def test_a_hundred_jobs_of_one_owner_delay_another_owner_by_one_job(
    database: Database, queue_jobs: Callable[..., list[str]]
) -> None:
    queue_jobs("anna", 100)
    assert claim_owners(database, 20) == "a" * 20
    queue_jobs("ben")
    assert claim_owners(database, 4) == "abaa"


def test_the_position_of_a_job_is_the_number_of_claims_before_it(
    database: Database, queue_jobs: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    queue_jobs("anna", 4)
    queue_jobs("ben", 2, **ONLY_CPU)
    queue_jobs("anna", priority=1, **ONLY_GPU)

    def find_positions() -> tuple[dict[str, int], dict[str, int]]:
        with database.read() as connection:
            waiting = connection.execute(select(jobs).where(fair_turns.QUEUED)).all()
            singly = {row.id: fair_turns.find_position(connection, row) for row in waiting}
            return singly, fair_turns.find_positions(connection, waiting)

    singly, together = find_positions()
    assert together == singly
    assert sorted(singly.values()) == [
        0,
        0,
        1,
        2,
        3,
        3,
        4,
    ]  # a b a b a a on a CPU, and a a a a a on a GPU
    monkeypatch.setattr(fair_turns, "MOST_COUNTED", 2)
    assert find_positions() == ({job: min(place, 2) for job, place in singly.items()},) * 2


def test_two_owners_alternate_in_any_order_of_their_jobs(
    database: Database, queue_jobs: Callable[..., list[str]]
) -> None:
    queue_jobs("anna", 6)
    queue_jobs("ben", 4)
    assert claim_owners(database, 10) == "abababab" + "aa"


def test_an_owner_of_one_queued_job_at_a_time_gets_every_second_turn(
    database: Database, queue_jobs: Callable[..., list[str]]
) -> None:
    queue_jobs("anna", 50)
    owners = claim_owners(database, 10)
    for _ in range(10):  # the next job follows each claim
        queue_jobs("ben")
        owners += claim_owners(database, 2)
    assert owners == "a" * 10 + "ab" * 10


def test_new_owners_do_not_starve_others(
    database: Database, queue_jobs: Callable[..., list[str]]
) -> None:
    queue_jobs("anna", 20)
    claim_owners(database, 5)
    claimed = ""
    for number in range(15):
        queue_jobs(f"new-{number}")
        claimed += claim_owners(database, 2)
    assert claimed == "an" * 15


def test_priority_precedes_turns_and_each_priority_has_its_own_turns(
    database: Database, queue_jobs: Callable[..., list[str]]
) -> None:
    queue_jobs("anna", 3)
    queue_jobs("anna", 3, priority=5)
    queue_jobs("ben", 2)
    queue_jobs("ben", 2, priority=5)
    queue_jobs("carl", priority=-5)
    assert claim_owners(database, 11) == "ababa" + "ababa" + "c"


def test_an_owners_jobs_keep_their_order(
    database: Database, queue_jobs: Callable[..., list[str]]
) -> None:
    ids = queue_jobs("anna", 5)
    queue_jobs("ben", 2)
    ids_claimed = [claimed.job_id for claimed in (claim_job(database) for _ in range(7))]
    assert [job_id for job_id in ids_claimed if job_id in ids] == ids


def test_a_requeued_job_keeps_its_turn(
    database: Database, queue_jobs: Callable[..., list[str]]
) -> None:
    queue_jobs("anna", 5)
    queue_jobs("ben", 5)
    lost = claim_job(database)
    claim_owners(database, 4)
    with database.write() as connection:
        leases.hand_back(connection, lost, "its worker was stopped")
    assert claim_job(database).job_id == lost.job_id


def test_cancelled_jobs_take_no_turns(
    database: Database, queue_jobs: Callable[..., list[str]]
) -> None:
    cancelled = queue_jobs("anna", 20)
    with database.write() as connection:
        for job_id in cancelled:
            control.cancel(connection, "anna", job_id)
    queue_jobs("ben", 6)
    queue_jobs("anna", 3)
    queue_jobs("carl")
    assert claim_owners(database, 10) == "bacbabab"[:3] + "babab" + "bb"


def test_a_job_that_fits_no_worker_does_not_stop_the_turns(
    database: Database, queue_jobs: Callable[..., list[str]]
) -> None:
    queue_jobs("zoe", resources={"memory_bytes": 2**60})
    queue_jobs("anna", 40)
    claim_owners(database, 10)
    claimed = ""
    for number in range(10):
        queue_jobs(f"ben-{number}")
        queue_jobs(f"carl-{number}")
        claimed += claim_owners(database, 3)
    assert claimed.count("a") == 10


@pytest.mark.parametrize(("slow", "quick"), [(GPU, CPU), (CPU, GPU)])
def test_each_kind_of_device_has_turns_of_its_own(
    database: Database, queue_jobs: Callable[..., list[str]], slow: Capacity, quick: Capacity
) -> None:
    queue_jobs("anna", 30, resources={"device": slow.device})
    queue_jobs("anna", 30, resources={"device": quick.device})
    claim_owners(database, 3, slow)
    claim_owners(database, 20, quick)
    queue_jobs("ben", resources={"device": slow.device})
    queue_jobs("carl")  # on any device
    assert claim_owners(database, 3, slow) == "abc"
    assert claim_owners(database, 3, quick) == "aaa"


def test_workers_of_either_kind_claim_jobs_for_any_device(
    database: Database, queue_jobs: Callable[..., list[str]]
) -> None:
    first, second, third = queue_jobs("anna", 3)
    assert claim_job(database, GPU).job_id == first
    assert claim_job(database, CPU).job_id == second
    queue_jobs("ben", **ONLY_CPU)
    queue_jobs("ben", **ONLY_GPU)
    assert claim_job(database, GPU).job_id == third
    assert claim_owners(database, 1, GPU) + claim_owners(database, 1, CPU) == "bb"


def test_concurrent_jobs_get_distinct_turns(database: Database) -> None:
    def send() -> None:
        for _ in range(10):
            with database.write() as connection:
                queue(connection, "anna")

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert claim_owners(database, 5) == "aaaaa"
    with database.write() as connection:
        queue(connection, "ben")
    assert claim_owners(database, 2) == "ab"


def test_two_concurrent_workers_claim_fairly(database: Database) -> None:
    with database.write() as connection:
        for _ in range(40):
            queue(connection, "anna")
        for _ in range(10):
            queue(connection, "ben")
    claimed: list[str] = []

    def work(connection: Connection) -> None:
        claim = queued_jobs.claim(connection)
        assert claim is not None
        claimed.append(claim.owner)

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
