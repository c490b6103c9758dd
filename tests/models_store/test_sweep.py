"""What no row names is deleted, and nothing else."""

from pathlib import Path

import numpy as np
import pytest

from domain.job import Epoch
from domain.model import ModelFile
from models_store import attempts
from models_store.artifacts import ArtifactStore, open_store
from models_store.checkpoints import Checkpoint
from models_store.claims import Claim
from models_store.database import Database
from models_store.sweep import sweep
from tests import plans
from tests.plans import queue
from worker.estimate import Estimate


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return open_store((tmp_path / "artifacts").as_uri())


def publish(store: ArtifactStore, key: str) -> None:
    with store.scratch("test") as folder:
        np.save(folder / "file.npy", np.zeros(3))
        store.publish(folder / "file.npy", key)


def claimed(database: Database) -> Claim:
    with database.write() as connection:
        queue(connection)
        claim = plans.claim(connection)
    assert claim is not None
    return claim


def kinds(store: ArtifactStore) -> set[str]:
    return {prefix for kind in ("jobs", "datasets") for prefix, _ in store.prefixes(kind)}


def test_only_what_a_row_names_stays(database: Database, store: ArtifactStore) -> None:
    orphan = "datasets/dataset_" + "0" * 26
    publish(store, f"{orphan}/0.npy")
    done, running = claimed(database), claimed(database)
    for claim in (done, running):
        publish(store, f"{claim.folder}/model.safetensors")
        publish(store, f"jobs/{claim.job_id}/7/stale.npy")
    file = ModelFile(name="model.safetensors", bytes=1, sha256="0", media_type="x/y")
    progress = Estimate(1, lambda: 0.0).finished(1)
    with database.write() as connection:
        attempts.succeeded(connection, done, progress, {}, [file], [])
        attempts.epoch_ended(
            connection,
            running,
            Epoch(epoch=1, seconds=1.0, metrics={"loss": 1.0}),
            progress,
            Checkpoint(1, 0, f"{running.folder}/model.safetensors", "0"),
        )
    assert sweep(database, store, grace_seconds=3600) == 0  # young folders may be in the making
    assert orphan in kinds(store)
    assert sweep(database, store, grace_seconds=0) == 3
    assert kinds(store) == {str(done.folder), str(running.folder)}
