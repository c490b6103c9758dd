"""Each message of a training process is recorded once, however often it is written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from domain.errors import Busy, LeaseLost
from domain.job.job import Best, Job, Stop
from domain.job.outcome import ModelMade
from domain.metric_values import Metrics
from domain.model import ModelFile
from models_store.database import engine as database_module
from models_store.database.engine import Database
from models_store.database.migrate import migrate
from models_store.files.disk import hash_file
from models_store.files.store import ArtifactStore
from models_store.jobs import jobs, leases
from models_store.records import checkpoints, epochs, events, models
from tests.support import queued_jobs
from tests.support.queued_jobs import queue
from tests.support.stores import content
from worker.protocol.machine import Environment
from worker.protocol.messages import Checkpointed, EpochEnded, Finished, FromChild, Read, Started
from worker.supervisor.recorder import Recorder


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A database with a short timeout for locks."""
    monkeypatch.setattr(database_module, "BUSY_MILLISECONDS", 50)
    opened = Database(f"sqlite:///{tmp_path / 'graphfit.sqlite'}")
    migrate(opened)
    yield opened
    opened.close()


BEGAN: Environment = {"keras": "3", "intra_op_threads": 2, "cpu": "One"}


class Work:
    """A claimed job, the folder of its training process, and its recorder."""

    def __init__(self, database: Database, store: ArtifactStore, folder: Path) -> None:
        folder.mkdir()
        self.database, self.store, self.folder = database, store, folder
        with database.write() as connection:
            self.job_id = queue(connection)
        self.claim_job()
        self.recorder.record([Started(BEGAN, 0, 0, 10)])

    def claim_job(self, key: str = "here") -> None:
        """Claims the job for a worker with this environment key, whatever the job's own key is."""
        with self.database.write() as connection:
            claim = queued_jobs.claim(connection, anywhere_seconds=-1)
        assert claim is not None
        self.claim = claim
        self.recorder = Recorder(claim, self.database, self.store, self.folder, key)

    def save_checkpoint(self, epoch: int, step: int) -> None:
        file = self.file(f"checkpoint-{epoch}-{step}.safetensors")
        self.recorder.record([Checkpointed(epoch, step, 10, file)])

    def hand_back(self) -> None:
        with self.database.write() as connection:
            leases.hand_back(connection, self.claim, "its worker was stopped")

    def job(self) -> Job:
        with self.database.read() as connection:
            return jobs.get(connection, "local", self.job_id)

    def file(self, name: str) -> ModelFile:
        path = self.folder / name
        path.write_text(name)
        size = path.stat().st_size
        return ModelFile(name=name, bytes=size, sha256=hash_file(path), media_type="x/y")

    def kept(self) -> set[str]:
        return {file.key.rpartition("/")[2] for file in self.store.files("jobs")}

    def key(self, name: str) -> str:
        return str(self.claim.folder / name)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps the database from accepting writes."""
        with self.database.write():
            yield

    def record_in_two_attempts(self, messages: list[FromChild]) -> None:
        with self.locked(), pytest.raises(Busy):
            self.recorder.record(messages)
        self.recorder.record(messages)


@pytest.fixture
def work(database: Database, store: ArtifactStore, tmp_path: Path) -> Work:
    return Work(database, store, tmp_path / "attempt")


def test_a_batch_is_recorded_again_after_the_database_was_locked(work: Work) -> None:
    first, second = work.file("checkpoint-0-4.safetensors"), work.file("checkpoint-1-0.safetensors")
    work.record_in_two_attempts([Checkpointed(0, 4, 10, first)])
    work.record_in_two_attempts([EpochEnded(1, 0.5, {"loss": 1.0}, second)])
    with work.database.read() as connection:
        checkpoint = checkpoints.get(connection, work.job_id)
    assert checkpoint is not None
    assert (checkpoint.epoch, checkpoint.step) == (1, 0)
    assert content(work.store, checkpoint.artifact, checkpoint.sha256) == second.name.encode()

    files = work.file("model.safetensors"), work.file("history.json")
    work.record_in_two_attempts([Finished(ModelMade(files, (), {"loss": 1.0}))])
    assert work.job().state == "succeeded"
    assert work.kept() == {file.name for file in files}


def test_the_last_progress_of_a_batch_stays_when_the_job_ends_in_it(work: Work) -> None:
    files = (work.file("model.safetensors"),)
    end = Finished(ModelMade(files, (), {}))
    work.recorder.record([Read(3, 9, 1 / 3), Read(9, 9, 1.0), end])
    progress = work.job().progress
    assert progress is not None
    assert (progress.bytes, progress.bytes_total, progress.fraction) == (9, 9, 1.0)


def test_a_batch_whose_commit_was_not_confirmed_is_not_recorded_twice(work: Work) -> None:
    ended = EpochEnded(1, 0.5, {"loss": 1.0}, work.file("checkpoint-1-0.safetensors"))
    finished = Finished(ModelMade((work.file("model.safetensors"),), (), {}))
    work.recorder.record([ended])
    work.recorder.record([ended])
    work.recorder.record([finished])
    with pytest.raises(LeaseLost):
        work.recorder.record([finished])
    with work.database.read() as connection:
        assert len(list(epochs.iterate(connection, "local", work.job_id))) == 1
        types = [
            event.type for event in events.get_page(connection, "local", work.job_id, 0, 99).events
        ]
    assert types.count("epoch") == 1


def test_a_job_resumes_with_the_same_bits_in_an_equal_environment(work: Work) -> None:
    work.save_checkpoint(0, 4)
    work.hand_back()
    work.claim_job()
    assert (work.claim.environment, work.claim.environment_key) == (BEGAN, "here")
    work.recorder.record([Started({**BEGAN, "cpu": "Another of that kind"}, 0, 4, 10)])
    work.recorder.record([Finished(ModelMade((work.file("model.safetensors"),), (), {}))])
    job = work.job()
    assert (job.bit_exact, job.warnings, job.environment) == (True, [], BEGAN)


def test_a_job_that_resumes_in_another_environment_has_a_warning_and_may_resume_anywhere(
    work: Work,
) -> None:
    work.save_checkpoint(0, 4)
    work.hand_back()
    work.claim_job("there")
    work.recorder.record([Started({**BEGAN, "keras": "4"}, 0, 4, 10)])
    work.save_checkpoint(0, 8)
    job = work.job()
    assert job.bit_exact is False
    (warning,) = job.warnings
    assert "keras 3 became 4" in warning
    work.hand_back()
    work.claim_job()
    assert work.claim.environment_key is None
    work.recorder.record([Started(BEGAN, 0, 8, 10)])
    work.recorder.record([Finished(ModelMade((work.file("model.safetensors"),), (), {}))])
    job = work.job()
    assert (job.bit_exact, job.warnings, job.environment) == (False, [warning], BEGAN)


def test_a_job_that_starts_again_has_the_bits_of_its_new_environment(work: Work) -> None:
    work.hand_back()
    work.claim_job("there")
    work.recorder.record([Started({**BEGAN, "keras": "4"}, 0, 0, 10)])
    work.save_checkpoint(0, 4)
    work.hand_back()
    work.claim_job("there")
    assert work.claim.environment_key == "there"
    work.recorder.record([Started({**BEGAN, "keras": "4"}, 0, 4, 10)])
    work.recorder.record([Finished(ModelMade((work.file("model.safetensors"),), (), {}))])
    job = work.job()
    assert (job.bit_exact, job.warnings) == (True, [])
    assert job.environment == {**BEGAN, "keras": "4"}


def test_a_job_tells_why_it_stopped_and_which_epoch_was_best(work: Work) -> None:
    for epoch, loss in enumerate((2.0, 1.0, float("nan")), 1):
        work.recorder.record([EpochEnded(epoch, 0.5, {"loss": loss, "f1": [0.5, 1.0]}, None)])
    stopped = Stop(epoch=3, reason="early_stopping", monitor="loss")
    best = Best(epoch=2, monitor="loss", value=1.0)
    metrics: Metrics = {"loss": 1.0, "f1": [0.5, 1.0]}
    files = (work.file("model.safetensors"),)
    made = ModelMade(files, (), metrics, epoch=2, stopped=stopped, best=best)
    work.recorder.record([Finished(made)])

    job = work.job()
    assert (job.stopped, job.best) == (stopped, best)
    assert job.metrics["f1"] == [0.5, 1.0]
    assert np.isnan(job.metrics["loss"])
    assert job.model is not None
    with work.database.read() as connection:
        model = models.get(connection, "local", job.model)
        history = list(epochs.iterate(connection, "local", work.job_id))
    assert (model.epoch, model.metrics) == (2, metrics)
    assert [epoch.metrics["f1"] for epoch in history] == [[0.5, 1.0]] * 3
