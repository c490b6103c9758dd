"""Turns a claim into the order of its training process: keys become local files."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from domain.plan import PinnedDataset, PinnedModel
from models_store.artifacts import ArtifactStore
from models_store.claims import Claim
from models_store.datasets import column_key
from worker.order import Order
from worker.rules import Rules


def order_for(
    claim: Claim,
    store: ArtifactStore,
    folder: Path,
    rules: Rules,
    leased_at: float,
) -> Order:
    """Everything the training process needs, fetched.

    Args:
        folder: Exists; the process writes there and nowhere else.
    """
    plan = claim.plan
    return Order(
        job=claim.job_id,
        kind="build" if plan.recipe is None else "train",
        blueprint=plan.blueprint,
        summary=plan.summary,
        seed=claim.seed,
        deterministic=claim.deterministic,
        folder=folder,
        lease_seconds=rules.lease_seconds,
        leased_at=leased_at,
        device=claim.resources.device,
        devices=claim.resources.gpus if claim.resources.device == "gpu" else 1,
        mixed_precision=claim.mixed_precision,
        checkpoint_seconds=rules.checkpoint_seconds,
        memory_bytes=rules.memory_bytes,
        recipe=plan.recipe,
        fit=claim.fit,
        columns=_columns(store, plan.dataset) or {},
        validation_columns=_columns(store, plan.validation_dataset),
        source_weights=_weights(store, plan.sources.values()),
        initial_weights=None if plan.initial is None else store.fetch(plan.initial.artifact),
        checkpoint=None if claim.checkpoint is None else store.fetch(claim.checkpoint.artifact),
    )


def _columns(store: ArtifactStore, dataset: PinnedDataset | None) -> Mapping[str, Path] | None:
    if dataset is None:
        return None
    return {name: store.fetch(column_key(dataset.id, i)) for name, i in dataset.columns.items()}


def _weights(store: ArtifactStore, models: Iterable[PinnedModel]) -> Mapping[str, Path]:
    return {model.id: store.fetch(model.artifact) for model in models}
