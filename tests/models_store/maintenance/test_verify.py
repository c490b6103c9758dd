"""Files are what rows say of them, or they are named."""

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
from models_store.maintenance.verify import Verified, verify
from models_store.records import checkpoints, datasets
from models_store.records.checkpoints import Checkpoint
from tests.support.queued_jobs import claimed
from tests.support.stores import publish, store_of
from worker.supervisor.progress import Estimate


def trained(database: Database, store: ArtifactStore) -> str:
    """The key of a model's file, kept as its row says."""
    claim, content = claimed(database), b"weights"
    key = str(claim.folder / "model.safetensors")
    sha256 = publish(store, key, content)
    file = ModelFile(name="model.safetensors", bytes=len(content), sha256=sha256, media_type="x/y")
    progress = Estimate(1, lambda: 0.0).finished(1)
    with database.write() as connection:
        attempts.succeed(connection, claim, progress, ModelMade((file,), (), {}))
    return key


def checkpointed(database: Database, store: ArtifactStore) -> tuple[Claim, str]:
    claim = claimed(database)
    key = str(claim.folder / "checkpoint-1.npz")
    checkpoint = Checkpoint(1, 0, key, publish(store, key, b"state"))
    with database.write() as connection:
        checkpoints.replace(connection, claim.owner, claim.job_id, checkpoint)
    return claim, key


def uploaded(database: Database, store: ArtifactStore) -> str:
    body = io.BytesIO()
    np.savez(body, x=np.arange(10.0))
    body.seek(0)
    dataset = ingest(store, new_id("dataset"), "application/x-npz", body, 1 << 20)
    with database.write() as connection:
        datasets.insert(connection, "local", dataset)
    return datasets.column_key(dataset.id, 0)


def faults(database: Database, store: ArtifactStore) -> list[Verified]:
    return [file for file in verify(database, store) if file.fault is not None]


def test_every_file_that_a_row_names(
    database: Database, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models_store.maintenance.verify.BATCH", 2)  # so that these are several
    keys = {trained(database, store) for _ in range(5)}
    keys |= {uploaded(database, store) for _ in range(3)}
    keys.add(checkpointed(database, store)[1])
    publish(store, "jobs/job_1/1/orphan", b"named by no row")
    assert sorted(verify(database, store)) == [Verified(key, None) for key in sorted(keys)]


def test_what_is_wrong_is_said(database: Database, store: ArtifactStore) -> None:
    model, column = trained(database, store), uploaded(database, store)
    _, checkpoint = checkpointed(database, store)
    publish(store, model, b"weighty")  # as long as it was
    publish(store, column, b"short")
    store.delete_prefix(checkpoint)
    said = {file.key: file.fault for file in faults(database, store)}
    assert said == {
        model: "it is damaged: its sha256 is not its row's",
        column: "it has 5 bytes, its row says 1104",
        checkpoint: "it is missing",
    }


def test_what_is_overtaken_meanwhile_is_no_fault(database: Database, store: ArtifactStore) -> None:
    claims = {key: claim for claim, key in (checkpointed(database, store) for _ in range(3))}
    looking = verify(database, store)
    seen = next(looking)  # by now all three are looked up
    assert seen.fault is None
    overtaken, lost = claims.keys() - {seen.key}
    with database.write() as connection:
        checkpoints.drop(connection, claims[overtaken].job_id)
    store.delete_prefix(overtaken)
    store.delete_prefix(lost)
    assert list(looking) == [Verified(lost, "it is missing")]


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRAPHFIT_DATA", str(tmp_path / "a folder"))
    assert main(["verify"]) == 2  # no table yet
    assert "graphfit migrate" in capsys.readouterr().err
    assert main(["migrate"]) == 0
    database = Database(f"sqlite:///{tmp_path / 'a folder' / 'graphfit.sqlite'}")
    store = store_of(tmp_path / "a folder", {})
    key = trained(database, store)
    assert main(["verify"]) == 0
    assert capsys.readouterr().out == "1 files checked, 0 faulty\n"
    store.delete_prefix(key)
    assert main(["verify"]) == 1
    said = f"{key}: it is missing\n1 files checked, 1 faulty\n"
    assert capsys.readouterr().out == said
    database.close()
