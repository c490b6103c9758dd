"""Verification finds the files that differ from their rows."""

import io
from pathlib import Path

import numpy as np
import pytest

from cli.main import main
from domain.job.outcome import ModelMade
from domain.model import ModelFile
from models_store.database.engine import Database
from models_store.datasets.ingest import ingest
from models_store.files.store import ArtifactStore
from models_store.ids import new_id
from models_store.jobs import attempts
from models_store.jobs.claims import Claim
from models_store.maintenance.verify import CheckedFile, verify
from models_store.records import checkpoints, datasets
from models_store.records.checkpoints import Checkpoint
from tests.support.queued_jobs import claimed
from tests.support.stores import publish, store_of
from worker.supervisor.progress import Estimate


def store_model(database: Database, store: ArtifactStore) -> str:
    """Stores a model and its file. Returns the key of the file."""
    claim, content = claimed(database), b"weights"
    key = str(claim.folder / "model.safetensors")
    sha256 = publish(store, key, content)
    file = ModelFile(name="model.safetensors", bytes=len(content), sha256=sha256, media_type="x/y")
    progress = Estimate(1, lambda: 0.0).finish(1)
    with database.write() as connection:
        attempts.succeed(connection, claim, progress, ModelMade((file,), (), {}))
    return key


def store_checkpoint(database: Database, store: ArtifactStore) -> tuple[Claim, str]:
    claim = claimed(database)
    key = str(claim.folder / "checkpoint-1.npz")
    checkpoint = Checkpoint(1, 0, key, publish(store, key, b"state"))
    with database.write() as connection:
        checkpoints.replace(connection, claim.owner, claim.job_id, checkpoint)
    return claim, key


def store_dataset(database: Database, store: ArtifactStore) -> str:
    body = io.BytesIO()
    np.savez(body, x=np.arange(10.0))
    body.seek(0)
    dataset = ingest(store, new_id("dataset"), "application/x-npz", body, 1 << 20)
    with database.write() as connection:
        datasets.insert(connection, "local", dataset)
    return datasets.column_key(dataset.id, 0)


def find_faults(database: Database, store: ArtifactStore) -> list[CheckedFile]:
    return [file for file in verify(database, store) if file.fault is not None]


def test_every_file_of_a_row_is_checked(
    database: Database, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models_store.maintenance.verify.BATCH", 2)  # several batches
    keys = {store_model(database, store) for _ in range(5)}
    keys |= {store_dataset(database, store) for _ in range(3)}
    keys.add(store_checkpoint(database, store)[1])
    publish(store, "jobs/job_1/1/orphan", b"without a row")
    assert sorted(verify(database, store)) == [CheckedFile(key, None) for key in sorted(keys)]


def test_faults_are_found(database: Database, store: ArtifactStore) -> None:
    model, column = store_model(database, store), store_dataset(database, store)
    _, checkpoint = store_checkpoint(database, store)
    publish(store, model, b"weighty")  # of the same length
    publish(store, column, b"short")
    store.delete_prefix(checkpoint)
    faults = {file.key: file.fault for file in find_faults(database, store)}
    assert faults == {
        model: "it is damaged: its sha256 differs from the one in its row",
        column: "it has 5 bytes instead of 1104",
        checkpoint: "it is missing",
    }


def test_a_file_that_is_replaced_meanwhile_is_no_fault(
    database: Database, store: ArtifactStore
) -> None:
    claims = {key: claim for claim, key in (store_checkpoint(database, store) for _ in range(3))}
    files = verify(database, store)
    first = next(files)  # this has read the rows of all three
    assert first.fault is None
    replaced, lost = claims.keys() - {first.key}
    with database.write() as connection:
        checkpoints.delete(connection, claims[replaced].job_id)
    store.delete_prefix(replaced)
    store.delete_prefix(lost)
    assert list(files) == [CheckedFile(lost, "it is missing")]


def test_the_command_prints_faults_and_their_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRAPHFIT_DATA", str(tmp_path / "a folder"))
    assert main(["verify"]) == 2  # no table yet
    assert "graphfit migrate" in capsys.readouterr().err
    assert main(["migrate"]) == 0
    database = Database(f"sqlite:///{tmp_path / 'a folder' / 'graphfit.sqlite'}")
    store = store_of(tmp_path / "a folder", {})
    key = store_model(database, store)
    assert main(["verify"]) == 0
    assert capsys.readouterr().out == "1 files checked, 0 faulty\n"
    store.delete_prefix(key)
    assert main(["verify"]) == 1
    output = f"{key}: it is missing\n1 files checked, 1 faulty\n"
    assert capsys.readouterr().out == output
    database.close()
