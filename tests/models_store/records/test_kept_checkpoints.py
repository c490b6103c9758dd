"""Kept checkpoints in the database, when jobs drop them, resume and end."""

from domain.job.job import JobState
from domain.model import ModelFile
from models_store.database.engine import Database
from models_store.jobs import attempts, leases
from models_store.jobs.claims import Claim
from models_store.maintenance.references import get_job_files
from models_store.records import checkpoints, kept_checkpoints
from models_store.records.checkpoints import Checkpoint
from models_store.records.kept_checkpoints import NewCheckpoint
from tests.support import queued_jobs


def keep(database: Database, claim: Claim, epoch: int, dropped: tuple[int, ...] = ()) -> None:
    key = f"{claim.folder}/epoch-{epoch}.safetensors"
    file = ModelFile(name="x", bytes=7, sha256="0" * 64, media_type="x/y")
    made = NewCheckpoint(epoch, 3 * epoch, {"loss": float(epoch)}, key, file)
    with database.write() as connection:
        attempts.keep(connection, claim, made, dropped)
        attempts.keep(connection, claim, made, dropped)  # a repeated transaction


def save(database: Database, claim: Claim, epoch: int) -> list[str]:
    saved = Checkpoint(epoch, 0, f"{claim.folder}/checkpoint-{epoch}-0.safetensors", "0" * 64)
    with database.write() as connection:
        return attempts.save_checkpoint(connection, claim, saved, None)


def list_epochs(database: Database, claim: Claim) -> list[int]:
    with database.read() as connection:
        return kept_checkpoints.list_epochs(connection, "local", claim.job_id)


def list_files(database: Database, claim: Claim) -> set[str]:
    with database.read() as connection:
        files = get_job_files(connection, [claim.job_id])
        return {file.key.rpartition("/")[2] for file in files}


def claim_again(database: Database, claim: Claim) -> Claim:
    with database.write() as connection:
        leases.hand_back(connection, claim, "its worker was stopped")
        again = queued_jobs.claim(connection, anywhere_seconds=-1)
    assert again is not None
    return again


def test_a_dropped_checkpoint_stays_until_no_resume_needs_it(database: Database) -> None:
    claim = queued_jobs.claimed(database)
    for epoch in (1, 2):
        keep(database, claim, epoch)
    assert save(database, claim, 2) == []
    keep(database, claim, 3, dropped=(1,))
    assert list_epochs(database, claim) == [2, 3]
    assert "epoch-1.safetensors" in list_files(database, claim)

    again = claim_again(database, claim)  # resumes after epoch 2
    assert list_epochs(database, again) == [1, 2]
    assert "epoch-3.safetensors" not in list_files(database, again)
    keep(database, again, 3, dropped=(1,))
    assert save(database, again, 3) == [f"{claim.folder}/epoch-1.safetensors"]
    assert list_epochs(database, again) == [2, 3]


def test_checkpoints_stay_after_the_end_of_a_job_without_those_it_dropped(
    database: Database,
) -> None:
    claim = queued_jobs.claimed(database)
    keep(database, claim, 1)
    keep(database, claim, 2, dropped=(1,))
    with database.write() as connection:
        attempts.cancel(connection, claim)
    assert list_epochs(database, claim) == [2]
    assert list_files(database, claim) == {"epoch-2.safetensors"}


def test_a_job_that_starts_again_has_no_checkpoint_of_before(database: Database) -> None:
    claim = queued_jobs.claimed(database)
    keep(database, claim, 1)
    save(database, claim, 1)
    with database.write() as connection:
        attempts.restart(connection, claim)
        again = queued_jobs.claim(connection, anywhere_seconds=-1)
        assert again is not None
        assert checkpoints.get(connection, claim.job_id) is None
        assert leases.renew(connection, again, 60).state is JobState.RUNNING
    assert list_epochs(database, claim) == []
