"""Turns a claim into the order of its training process: keys become local files."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from domain.errors import Damaged, GraphfitError, NotFound
from domain.job.plan import PinnedDataset, PinnedModel
from models_store.files.disk import sha256_of
from models_store.files.store import ArtifactStore
from models_store.jobs.claims import Claim
from models_store.records.checkpoints import Checkpoint
from models_store.records.datasets import column_key
from worker.protocol.training_order import Order
from worker.supervisor.options import Rules


class CheckpointLost(GraphfitError):
    """The job cannot go on from where it was; from its start it comes to the same end."""


Fetch = Callable[[str, str | None], Path]
"""Gives the local path of a key's file, by its hash where that is known."""


def order_for(
    claim: Claim,
    store: ArtifactStore,
    folder: Path,
    held: ExitStack,
    rules: Rules,
) -> Order:
    """Everything the training process needs, fetched.

    Args:
        folder: Exists; the process writes there and nowhere else.
        held: Keeps what was fetched in its place until it is closed.

    Raises:
        CheckpointLost: the checkpoint is gone from the store, or damaged.
        NotFound: another file is.
        StorageFull: this machine has no room for them.
        Busy: the store does not answer.
    """
    plan = claim.plan

    def fetch(key: str, sha256: str | None) -> Path:
        return held.enter_context(store.held(key, sha256))

    return Order(
        job=claim.job_id,
        kind="build" if plan.recipe is None else "train",
        blueprint=plan.blueprint,
        graph_place=plan.graph_place,
        summary=plan.summary,
        seed=claim.seed,
        deterministic=claim.deterministic,
        folder=folder,
        lease_seconds=rules.lease_seconds,
        threads=_threads(claim),
        device=claim.resources.device,
        devices=claim.resources.gpus if claim.resources.device == "gpu" else 1,
        mixed_precision=claim.mixed_precision,
        checkpoint_seconds=rules.checkpoint_seconds,
        memory_bytes=rules.memory_bytes,
        recipe=plan.recipe,
        fit=claim.fit,
        columns=_columns(fetch, plan.dataset) or {},
        validation_columns=_columns(fetch, plan.validation_dataset),
        source_weights={pin.id: _checked(fetch, pin) for pin in plan.sources.values()},
        initial_weights=None if plan.initial is None else _checked(fetch, plan.initial),
        checkpoint=None if claim.checkpoint is None else _kept(fetch, claim.checkpoint),
    )


def _threads(claim: Claim) -> int | None:
    """Those that the checkpoint was computed with: other ones may give other bits."""
    if claim.checkpoint is None or claim.environment is None or not claim.deterministic:
        return None
    threads: int | None = claim.environment.get("intra_op_threads")
    return threads


def _columns(fetch: Fetch, dataset: PinnedDataset | None) -> Mapping[str, Path] | None:
    if dataset is None:
        return None
    return {
        name: fetch(column_key(dataset.id, index), dataset.hashes.get(name))
        for name, index in dataset.columns.items()
    }


def _kept(fetch: Fetch, checkpoint: Checkpoint) -> Path:
    try:
        return _checked(fetch, checkpoint)
    except NotFound as missing:
        raise CheckpointLost(missing.detail) from missing


def _checked(fetch: Fetch, pin: PinnedModel | Checkpoint) -> Path:
    """Weights are read whole anyway: their hash is compared wherever they were kept."""
    path = fetch(pin.artifact, pin.sha256)
    if sha256_of(path) != pin.sha256:
        raise Damaged(path.name)
    return path
