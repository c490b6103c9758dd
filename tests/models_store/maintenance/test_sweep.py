"""The sweep deletes exactly the files to which no row refers."""

from domain.job.job import Epoch
from domain.job.outcome import ModelMade
from domain.model import ModelFile
from models_store.database.engine import Database
from models_store.files.store import ArtifactStore
from models_store.jobs import attempts
from models_store.maintenance.sweep import sweep
from models_store.records.checkpoints import Checkpoint
from tests.support.queued_jobs import claimed
from tests.support.stores import publish
from worker.supervisor.progress import Estimate


def folders(store: ArtifactStore) -> set[str]:
    return {file.folder for kind in ("jobs", "datasets") for file in store.files(kind)}


def test_only_files_of_rows_stay(database: Database, store: ArtifactStore) -> None:
    orphan = "datasets/dataset_" + "0" * 26
    publish(store, f"{orphan}/0.npy", b"x")
    done, running = claimed(database), claimed(database)
    for claim in (done, running):
        publish(store, f"{claim.folder}/model.safetensors", b"x")
        publish(store, f"{claim.folder}/checkpoint-1.safetensors", b"replaced")
        publish(store, f"jobs/{claim.job_id}/7/stale.npy", b"x")
    file = ModelFile(name="model.safetensors", bytes=1, sha256="0", media_type="x/y")
    progress = Estimate(1, lambda: 0.0).finish(1)
    with database.write() as connection:
        attempts.succeed(connection, done, progress, ModelMade((file,), (), {}))
        attempts.end_epoch(
            connection,
            running,
            Epoch(epoch=1, seconds=1.0, metrics={"loss": 1.0}),
            progress,
            Checkpoint(1, 0, f"{running.folder}/model.safetensors", "0"),
            None,
        )
    assert sweep(database, store, grace_seconds=3600) == 0  # the folders are too recent
    assert orphan in folders(store)
    assert sweep(database, store, grace_seconds=0) == 5
    assert sweep(database, store, grace_seconds=0) == 0
    files = {file.key for file in store.files("jobs")}
    assert files == {f"{claim.folder}/model.safetensors" for claim in (done, running)}
    assert folders(store) == {str(done.folder), str(running.folder)}
