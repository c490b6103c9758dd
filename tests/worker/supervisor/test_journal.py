"""What a training process says reaches the store once, however often it has to be written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from domain.errors import Busy, LeaseLost
from domain.job.job import Job
from domain.model import ModelFile
from models_store.database import engine as database_module
from models_store.database.engine import Database
from models_store.database.migrate import migrate
from models_store.files.disk import sha256_of
from models_store.files.store import ArtifactStore
from models_store.jobs import jobs, leases
from models_store.records import checkpoints, epochs, events
from tests.support import queued_jobs
from tests.support.queued_jobs import queue
from tests.support.stores import content
from worker.protocol.machine import Environment
from worker.protocol.messages import Checkpointed, EpochEnded, Finished, FromChild, Started
from worker.supervisor.journal import Journal


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """One that soon gives up waiting for a lock."""
    monkeypatch.setattr(database_module, "BUSY_MILLISECONDS", 50)
    opened = Database(f"sqlite:///{tmp_path / 'graphfit.sqlite'}")
    migrate(opened)
    yield opened
    opened.close()


BEGAN: Environment = {"keras": "3", "intra_op_threads": 2, "cpu": "One"}


class Work:
    """A claimed job, the folder of its training process, and its journal."""

    def __init__(self, database: Database, store: ArtifactStore, folder: Path) -> None:
        folder.mkdir()
        self.database, self.store, self.folder = database, store, folder
        with database.write() as connection:
            self.job_id = queue(connection)
        self.claim_it()
        self.journal.write([Started(BEGAN, 0, 0, 10)])

    def claim_it(self, key: str = "here") -> None:
        """By a worker whose environment has this key, however different it is."""
        with self.database.write() as connection:
            claim = queued_jobs.claim(connection, anywhere_seconds=-1)
        assert claim is not None
        self.claim = claim
        self.journal = Journal(claim, self.database, self.store, self.folder, key)

    def checkpointed(self, epoch: int, step: int) -> None:
        file = self.file(f"checkpoint-{epoch}-{step}.safetensors")
        self.journal.write([Checkpointed(epoch, step, 10, file)])

    def handed_back(self) -> None:
        with self.database.write() as connection:
            leases.hand_back(connection, self.claim, "its worker was stopped")

    def job(self) -> Job:
        with self.database.read() as connection:
            return jobs.get(connection, "local", self.job_id)

    def file(self, name: str) -> ModelFile:
        path = self.folder / name
        path.write_text(name)
        size = path.stat().st_size
        return ModelFile(name=name, bytes=size, sha256=sha256_of(path), media_type="x/y")

    def kept(self) -> set[str]:
        return {file.key.rpartition("/")[2] for file in self.store.files("jobs")}

    def key(self, name: str) -> str:
        return str(self.claim.folder / name)

    @contextmanager
    def away(self) -> Iterator[None]:
        """The database takes no write for a while."""
        with self.database.write():
            yield

    def write_in_two_attempts(self, messages: list[FromChild]) -> None:
        with self.away(), pytest.raises(Busy):
            self.journal.write(messages)
        self.journal.write(messages)


@pytest.fixture
def work(database: Database, store: ArtifactStore, tmp_path: Path) -> Work:
    return Work(database, store, tmp_path / "attempt")


def test_a_batch_is_written_again_after_the_database_was_away(work: Work) -> None:
    first, second = work.file("checkpoint-0-4.safetensors"), work.file("checkpoint-1-0.safetensors")
    work.write_in_two_attempts([Checkpointed(0, 4, 10, first)])
    work.write_in_two_attempts([EpochEnded(1, 0.5, {"loss": 1.0}, second)])
    with work.database.read() as connection:
        checkpoint = checkpoints.of(connection, work.job_id)
    assert checkpoint is not None
    assert (checkpoint.epoch, checkpoint.step) == (1, 0)
    assert content(work.store, checkpoint.artifact, checkpoint.sha256) == second.name.encode()

    files = work.file("model.safetensors"), work.file("history.json")
    work.write_in_two_attempts([Finished(files, (), {"loss": 1.0})])
    assert work.job().state == "succeeded"
    assert work.kept() == {file.name for file in files}


def test_what_was_committed_without_our_hearing_of_it_is_not_told_twice(work: Work) -> None:
    ended = EpochEnded(1, 0.5, {"loss": 1.0}, work.file("checkpoint-1-0.safetensors"))
    finished = Finished((work.file("model.safetensors"),), (), {})
    work.journal.write([ended])
    work.journal.write([ended])
    work.journal.write([finished])
    with pytest.raises(LeaseLost):
        work.journal.write([finished])
    with work.database.read() as connection:
        assert len(epochs.of(connection, "local", work.job_id)) == 1
        told = [event.type for event in events.after(connection, "local", work.job_id, 0, 99)]
    assert told.count("epoch") == 1


def test_a_job_goes_on_with_the_same_bits_in_an_equal_environment(work: Work) -> None:
    work.checkpointed(0, 4)
    work.handed_back()
    work.claim_it()
    assert (work.claim.environment, work.claim.environment_key) == (BEGAN, "here")
    work.journal.write([Started({**BEGAN, "cpu": "Another of that kind"}, 0, 4, 10)])
    work.journal.write([Finished((work.file("model.safetensors"),), (), {})])
    job = work.job()
    assert (job.bit_exact, job.warnings, job.environment) == (True, [], BEGAN)


def test_one_that_goes_on_in_another_environment_says_so_and_may_go_on_anywhere(
    work: Work,
) -> None:
    work.checkpointed(0, 4)
    work.handed_back()
    work.claim_it("there")
    work.journal.write([Started({**BEGAN, "keras": "4"}, 0, 4, 10)])
    work.checkpointed(0, 8)
    job = work.job()
    assert job.bit_exact is False
    (warning,) = job.warnings
    assert "keras 3 became 4" in warning
    work.handed_back()
    work.claim_it()
    assert work.claim.environment_key is None
    work.journal.write([Started(BEGAN, 0, 8, 10)])
    work.journal.write([Finished((work.file("model.safetensors"),), (), {})])
    job = work.job()
    assert (job.bit_exact, job.warnings, job.environment) == (False, [warning], BEGAN)


def test_one_that_begins_anew_elsewhere_has_the_bits_of_there(work: Work) -> None:
    work.handed_back()
    work.claim_it("there")
    work.journal.write([Started({**BEGAN, "keras": "4"}, 0, 0, 10)])
    work.checkpointed(0, 4)
    work.handed_back()
    work.claim_it("there")
    assert work.claim.environment_key == "there"
    work.journal.write([Started({**BEGAN, "keras": "4"}, 0, 4, 10)])
    work.journal.write([Finished((work.file("model.safetensors"),), (), {})])
    job = work.job()
    assert (job.bit_exact, job.warnings) == (True, [])
    assert job.environment == {**BEGAN, "keras": "4"}
