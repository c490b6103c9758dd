"""A job is accepted while what it names is deleted, at the same time on PostgreSQL."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Connection

from application.submission.jobs import AcceptedJob
from domain.dataset import Column, Dataset
from domain.errors import Conflict, Invalid, NotFound
from domain.graph.language import Blueprint, GraphDefinition
from domain.graph.summary import Summary
from domain.job.job import JobRequest
from domain.job.plan import AnyPlan, ImportPlan
from domain.model import ModelFile
from domain.upload import Upload
from models_store.database.engine import Database
from models_store.database.migrate import migrate
from models_store.ids import new_id
from models_store.jobs import jobs
from models_store.maintenance import retention
from models_store.records import datasets, graphs, models, uploads
from tests.support.queued_jobs import DEFINITION, SUMMARY, plan
from tests.support.servers.postgresql import PostgreSql
from tests.support.service import until

OWNER = "local"
BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


def insert_dataset(connection: Connection) -> str:
    column = Column(name="x", dtype="float64", shape=[], min=None, max=None)
    dataset = Dataset(
        id=new_id("dataset"), name=None, rows=1, bytes=8, sha256="0", columns=[column],
        created_at=datetime.now(UTC),
    )  # fmt: skip
    datasets.insert(connection, OWNER, dataset)
    return dataset.id


def insert_graph(connection: Connection) -> str:
    blueprint = Blueprint.model_validate({"definition": DEFINITION})
    definition = GraphDefinition.model_validate(DEFINITION)
    summary = Summary.model_validate(SUMMARY)
    return graphs.insert(connection, OWNER, None, definition, blueprint, summary, {}).id


def insert_model(connection: Connection) -> str:
    made = models.NewModel(
        owner=OWNER, job_id=new_id("job"), name=None, graph_id=None,
        folder=PurePosixPath("jobs/x/1"),
        blueprint=Blueprint.model_validate({"definition": DEFINITION}),
        summary=Summary.model_validate(SUMMARY),
    )  # fmt: skip
    file = ModelFile(name=models.WEIGHTS, bytes=1, sha256="0", media_type="x/y")
    return models.insert(connection, made, None, {}, [file], [])


def insert_upload(connection: Connection) -> str:
    now = datetime.now(UTC)
    upload = Upload(
        id=new_id("upload"), offset=1, length=1, metadata={}, created_at=now,
        expires_at=now + timedelta(hours=1),
    )  # fmt: skip
    uploads.insert(connection, OWNER, upload)
    return upload.id


def accept(kind: str, identifier: str) -> AcceptedJob:
    """A checked job that uses the record."""
    body = {"kind": "build", "graph": DEFINITION, kind: identifier}
    found: AnyPlan = plan()
    upload = None
    if kind == "graph":
        found = plan().model_copy(update={"graph_id": identifier})
    elif kind == "model":
        del body["graph"]
    elif kind == "upload":
        body = {"kind": "import", "upload": identifier}
        found = ImportPlan(upload=identifier, media_type="text/csv", most_bytes=1)
        now = datetime.now(UTC)
        upload = Upload(
            id=identifier, offset=1, length=1, metadata={}, created_at=now,
            expires_at=now + timedelta(hours=2),
        )  # fmt: skip
    return AcceptedJob(JobRequest.model_validate(body), found, 7, [], upload=upload)


def store(connection: Connection, job: AcceptedJob) -> str:
    """Stores a job as the API does, in its transaction."""
    job.confirm(connection, OWNER)
    sent: dict[str, Any] = job.request.model_dump(mode="json", exclude_unset=True)
    return jobs.insert(connection, OWNER, job.request, sent, job.plan, job.seed)


class Kind(NamedTuple):
    """A kind of record that jobs use."""

    insert: Callable[[Connection], str]
    get: Callable[[Connection, str, str], object]
    delete: Callable[[Connection, str, str], object]


KINDS = {
    "dataset": Kind(insert_dataset, datasets.get, datasets.delete),
    "graph": Kind(insert_graph, graphs.get, graphs.delete),
    "model": Kind(insert_model, models.get, models.delete),
    "upload": Kind(insert_upload, uploads.get, uploads.delete),
}


@pytest.fixture
def database(postgresql: PostgreSql) -> Iterator[Database]:
    """A database of PostgreSQL, on which transactions run at the same time."""
    opened = Database(postgresql.new_database())
    migrate(opened)
    yield opened
    opened.close()


def is_blocked(database: Database) -> bool:
    """Whether a transaction waits for another one."""
    with database.read() as connection:
        return bool(connection.exec_driver_sql(BLOCKED).scalar_one())


def start(database: Database, work: Callable[[Connection], object]) -> Future[object]:
    """Starts a transaction in a thread, and returns when it waits for another one or has ended."""

    def run() -> object:
        with database.write() as connection:
            return work(connection)

    threads = ThreadPoolExecutor(1)
    started = threads.submit(run)
    threads.shutdown(wait=False)
    until(lambda: started.done() or is_blocked(database) or None, "the other transaction")
    return started


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_job_uses_is_not_deleted_while_the_job_is_stored(
    database: Database, kind: str
) -> None:
    record = KINDS[kind]
    with database.write() as connection:
        identifier = record.insert(connection)
    with database.write() as connection:
        job = store(connection, accept(kind, identifier))
        deletion = start(database, lambda other: record.delete(other, OWNER, identifier))
        assert not deletion.done()
    with pytest.raises(Conflict, match=job):
        deletion.result(60)
    with database.read() as connection:
        record.get(connection, OWNER, identifier)


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_is_refused_whose_record_is_being_deleted(database: Database, kind: str) -> None:
    record = KINDS[kind]
    with database.write() as connection:
        identifier = record.insert(connection)
    with database.write() as connection:
        record.delete(connection, OWNER, identifier)
        storing = start(database, lambda other: store(other, accept(kind, identifier)))
        assert not storing.done()
    with pytest.raises(Invalid) as caught:
        storing.result(60)
    assert [fault.pointer for fault in caught.value.faults] == [f"/{kind}"]
    with database.read() as connection:
        assert jobs.count_by_state(connection) == {}
        with pytest.raises(NotFound):
            record.get(connection, OWNER, identifier)


def test_an_old_model_stays_for_a_job_that_is_being_stored(database: Database) -> None:
    with database.write() as connection:
        used, unused = insert_model(connection), insert_model(connection)
    with database.write() as connection:
        store(connection, accept("model", used))
        assert retention.delete_old(database, 0, 1e-9) == 1
    assert retention.delete_old(database, 0, 1e-9) == 0
    with database.read() as connection:
        models.get(connection, OWNER, used)
        with pytest.raises(NotFound):
            models.get(connection, OWNER, unused)
