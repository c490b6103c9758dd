"""What a claim comes to as an order."""

import json
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from domain.job.job import Resources
from domain.job.plan import PinnedModel
from models_store.files.disk import sha256_of
from models_store.files.local import LocalArtifacts
from models_store.jobs.claims import Claim
from models_store.records.checkpoints import Checkpoint
from tests.support.queued_jobs import plan
from worker.supervisor.options import Rules
from worker.supervisor.prepare import order_for

RULES = Rules(lease_seconds=30.0, tick_seconds=1.0, max_attempts=5)


def claimed(resources: Resources, **fields: object) -> Claim:
    claim = Claim(
        job_id="job_" + "0" * 26,
        owner="local",
        fence=1,
        attempt=1,
        kind="build",
        name=None,
        seed=7,
        seconds_used=0.0,
        environment=None,
        environment_key=None,
        checkpoint=None,
        request_json=json.dumps({"resources": resources.model_dump(), "mixed_precision": True}),
        plan_json=plan().model_dump_json(by_alias=True),
    )
    return replace(claim, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(("device", "devices"), [("any", 1), ("cpu", 1), ("gpu", 3)])
def test_several_devices_are_gpus_alone(
    tmp_path: Path, device: Literal["any", "cpu", "gpu"], devices: int
) -> None:
    claim = claimed(Resources(device=device, gpus=3))
    with ExitStack() as held:
        order = order_for(claim, LocalArtifacts(tmp_path), tmp_path, held, RULES)
    assert (order.device, order.devices, order.mixed_precision) == (device, devices, True)


@pytest.mark.parametrize(("goes_on", "deterministic", "threads"), [(1, 1, 3), (0, 1, 0), (1, 0, 0)])
def test_an_attempt_that_goes_on_has_the_threads_that_its_bits_depend_on(
    tmp_path: Path, goes_on: int, deterministic: int, threads: int
) -> None:
    store = LocalArtifacts(tmp_path / "store")
    (tmp_path / "kept").write_bytes(b"x")
    kept = Checkpoint(1, 0, "jobs/x/1/kept", sha256_of(tmp_path / "kept"))
    store.publish(tmp_path / "kept", kept.artifact, kept.sha256)
    claim = claimed(
        Resources(),
        environment={"intra_op_threads": 3},
        checkpoint=kept if goes_on else None,
        request_json=json.dumps({"deterministic": bool(deterministic)}),
    )
    with ExitStack() as held:
        order = order_for(claim, store, tmp_path, held, RULES)
    assert order.threads == (threads or None)


def test_a_job_made_from_a_model_has_its_graph_at_model(tmp_path: Path) -> None:
    store = LocalArtifacts(tmp_path / "store")
    (tmp_path / "weights").write_bytes(b"x")
    sha256 = sha256_of(tmp_path / "weights")
    store.publish(tmp_path / "weights", "models/weights", sha256)
    pin = PinnedModel(id=f"model_{'0' * 26}", artifact="models/weights", sha256=sha256)
    from_model = plan().model_copy(update={"initial": pin})
    places = []
    for accepted in (plan(), from_model):
        claim = claimed(Resources(), plan_json=accepted.model_dump_json(by_alias=True))
        with ExitStack() as held:
            order = order_for(claim, store, tmp_path, held, RULES)
        places.append(order.graph_place)
    assert places == ["/graph", "/model"]
