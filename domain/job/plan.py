"""The plan of an accepted job: expanded, with the hash of everything that it refers to."""

from domain.contract import Contract
from domain.graph.language import Blueprint
from domain.graph.summary import Summary
from domain.ids import DatasetId, GraphId, ModelId
from domain.job.recipe import Recipe


class PinnedDataset(Contract):
    """A dataset at the time when the job was accepted."""

    id: DatasetId
    sha256: str
    rows: int
    columns: dict[str, int]
    """Index of each column that the job reads, by column name."""
    hashes: dict[str, str] = {}
    """sha256 of the file of each of these columns, by column name."""


class PinnedModel(Contract):
    """A model's weights at the time when the job was accepted."""

    id: ModelId
    artifact: str
    """Key of the model's `model.safetensors` in the store."""
    sha256: str


class Plan(Contract):
    """Everything that a worker needs except the files."""

    graph_id: GraphId | None
    blueprint: Blueprint
    summary: Summary
    recipe: Recipe | None
    """None for a `build` job."""
    dataset: PinnedDataset | None = None
    validation_dataset: PinnedDataset | None = None
    sources: dict[ModelId, PinnedModel] = {}
    """Weights of each Model layer, by model."""
    initial: PinnedModel | None = None
    """Weights from which training starts: those of the request's `model`."""

    @property
    def graph_place(self) -> str:
        """Pointer to the field of the request that holds the graph: `/graph` or `/model`."""
        return "/graph" if self.initial is None else "/model"
