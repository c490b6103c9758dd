"""The task of a claimed job."""

import json
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pytest

from domain.job.job import JobRequest, Resources
from domain.job.plan import PinnedDataset, PinnedModel, Plan
from models_store.files.disk import hash_file
from models_store.files.local import LocalArtifacts
from models_store.jobs.claims import Claim
from models_store.records.checkpoints import Checkpoint
from models_store.records.datasets import column_key
from models_store.records.uploads import StoredUpload
from models_store.settings import Settings as StoreSettings
from tests.support.queued_jobs import plan
from tests.worker.training_tasks import recipe
from worker.protocol.tasks import BuildTask, TrainTask
from worker.settings import Settings
from worker.supervisor.handlers.registry import HANDLERS, prepare
from worker.supervisor.local_files import CheckpointLost, LocalFiles
from worker.supervisor.options import Options

OPTIONS = Options.of(StoreSettings(), Settings())
DATASET = "dataset_" + "0" * 26


def claimed(resources: Resources, kind: str = "build", accepted: Plan | None = None,
            **fields: object) -> Claim:  # fmt: skip
    claim = Claim(
        job_id="job_" + "0" * 26,
        owner="local",
        fence=1,
        attempt=1,
        kind=kind,
        name=None,
        seed=7,
        seconds_used=0.0,
        environment=None,
        environment_key=None,
        checkpoint=None,
        request_json=json.dumps({"resources": resources.model_dump(), "mixed_precision": True}),
        plan_json=(accepted or plan()).model_dump_json(by_alias=True),
    )
    return replace(claim, **fields)  # type: ignore[arg-type]


def _no_upload(_: str) -> StoredUpload:
    raise AssertionError


def prepared(claim: Claim, store: LocalArtifacts, folder: Path) -> BuildTask | TrainTask:
    with ExitStack() as stack:
        task = prepare(claim, LocalFiles(store, stack, _no_upload), folder, OPTIONS)
    assert isinstance(task, BuildTask | TrainTask)
    return task


def published(store: LocalArtifacts, file: Path, key: str, content: bytes = b"x") -> str:
    """Publishes a file and gives its hash."""
    file.write_bytes(content)
    sha256 = hash_file(file)
    store.publish(file, key, sha256)
    return sha256


@pytest.fixture
def store(tmp_path: Path) -> LocalArtifacts:
    return LocalArtifacts(tmp_path / "store")


def test_every_kind_of_job_has_a_handler() -> None:
    kinds = get_args(JobRequest.model_fields["kind"].annotation)
    assert set(HANDLERS) == set(kinds)


@pytest.mark.parametrize(("device", "devices"), [("any", 1), ("cpu", 1), ("gpu", 3)])
def test_only_gpus_count_as_several_devices(
    store: LocalArtifacts, tmp_path: Path, device: Literal["any", "cpu", "gpu"], devices: int
) -> None:
    task = prepared(claimed(Resources(device=device, gpus=3)), store, tmp_path)
    assert isinstance(task, BuildTask)
    assert (task.device, task.devices, task.mixed_precision) == (device, devices, True)


@pytest.mark.parametrize(("resumes", "deterministic", "threads"), [(1, 1, 3), (0, 1, 0), (1, 0, 0)])
def test_an_attempt_that_resumes_uses_the_threads_of_its_checkpoint(
    store: LocalArtifacts, tmp_path: Path, resumes: int, deterministic: int, threads: int
) -> None:
    key = "jobs/x/1/kept"
    checkpoint = Checkpoint(1, 0, key, published(store, tmp_path / "kept", key))
    claim = claimed(
        Resources(),
        environment={"intra_op_threads": 3},
        checkpoint=checkpoint if resumes else None,
        request_json=json.dumps({"deterministic": bool(deterministic)}),
    )
    assert prepared(claim, store, tmp_path).threads == (threads or None)


def test_the_graph_of_a_job_from_a_model_is_at_model(store: LocalArtifacts, tmp_path: Path) -> None:
    sha256 = published(store, tmp_path / "weights", "models/weights")
    pin = PinnedModel(id=f"model_{'0' * 26}", artifact="models/weights", sha256=sha256)
    from_model = plan().model_copy(update={"initial": pin})
    claims = [claimed(Resources(), accepted=accepted) for accepted in (plan(), from_model)]
    tasks = [prepared(claim, store, tmp_path) for claim in claims]
    assert [task.graph_place for task in tasks] == ["/graph", "/model"]


def train_plan(store: LocalArtifacts, folder: Path) -> Plan:
    """A `train` job with two published columns."""
    pinned = PinnedDataset(id=DATASET, sha256="0" * 64, rows=1, columns={"x": 0, "y": 1})
    for index in pinned.columns.values():
        np.save(folder / "column.npy", np.ones(1))
        content = (folder / "column.npy").read_bytes()
        published(store, folder / f"{index}.npy", column_key(DATASET, index), content)
    return plan().model_copy(update={"recipe": recipe(), "dataset": pinned})


def test_a_train_job_has_its_columns_and_its_checkpoint(
    store: LocalArtifacts, tmp_path: Path
) -> None:
    key = "jobs/x/1/kept"
    checkpoint = Checkpoint(1, 0, key, published(store, tmp_path / "kept", key))
    accepted = train_plan(store, tmp_path)
    claim = claimed(Resources(), "train", accepted, checkpoint=checkpoint)
    task = prepared(claim, store, tmp_path)
    assert isinstance(task, TrainTask)
    assert set(task.columns) == {"x", "y"}
    assert (task.validation_columns, task.fit) == (None, claim.fit)
    assert task.checkpoint is not None
    assert task.checkpoint_seconds == Settings().checkpoint_seconds


def test_a_missing_checkpoint_differs_from_other_missing_files(
    store: LocalArtifacts, tmp_path: Path
) -> None:
    lost = Checkpoint(1, 0, "jobs/x/1/lost", "0" * 64)
    claim = claimed(Resources(), "train", train_plan(store, tmp_path), checkpoint=lost)
    with pytest.raises(CheckpointLost):
        prepared(claim, store, tmp_path)
