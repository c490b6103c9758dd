"""What an accepted job will do: everything expanded and pinned, nothing left to look up."""

from domain.contract import Contract
from domain.graph.language import Blueprint
from domain.graph.summary import Summary
from domain.ids import DatasetId, GraphId, ModelId
from domain.job.recipe import Recipe


class PinnedDataset(Contract):
    """A dataset as it was when the job was accepted."""

    id: DatasetId
    sha256: str
    rows: int
    columns: dict[str, int]
    """The index of each column that the job reads, by name."""
    hashes: dict[str, str] = {}
    """The sha256 of each of their files, by name."""


class PinnedModel(Contract):
    """A model's weights as they were when the job was accepted."""

    id: ModelId
    artifact: str
    """The key of its `model.safetensors`."""
    sha256: str


class Plan(Contract):
    """All that a worker needs, beside the files."""

    graph_id: GraphId | None
    blueprint: Blueprint
    summary: Summary
    recipe: Recipe | None
    """None for a `build` job."""
    dataset: PinnedDataset | None = None
    validation_dataset: PinnedDataset | None = None
    sources: dict[ModelId, PinnedModel] = {}
    """The weights of each Model layer."""
    initial: PinnedModel | None = None
    """The weights to go on from: those of the `model` that the request names."""

    @property
    def graph_place(self) -> str:
        """Pointer to the field of the request that holds the graph: `/graph` or `/model`."""
        return "/graph" if self.initial is None else "/model"
