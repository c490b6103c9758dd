"""The plan of an accepted job: expanded, with the hash of everything that it refers to."""

from typing import Any

from pydantic import JsonValue, field_serializer

from domain.contract import Contract
from domain.dataset import FilePlace, View
from domain.formats.read_options import DEFAULT_OPTIONS, ReadOptions
from domain.graph.language import Blueprint
from domain.graph.summary import Summary
from domain.ids import DatasetId, GraphId, ModelId, UploadId
from domain.job.recipe import Recipe
from domain.model import Preparation


class PinnedColumn(Contract):
    """A column that the job reads."""

    dtype: str
    shape: list[int | None]
    parts: dict[str, str | None]
    """sha256 of the file of each of its arrays, by part; None if it is unknown."""
    places: dict[str, FilePlace] = {}
    """The places of the arrays in shared files, by part; the others have files of their own."""


class PinnedDataset(Contract):
    """A dataset at the time when the job was accepted."""

    id: DatasetId
    sha256: str
    rows: int
    columns: dict[str, int]
    """Index of each column that the job reads, by column name."""
    hashes: dict[str, str] = {}
    """sha256 of the values of each of these columns, as older releases stored it."""
    described: dict[str, PinnedColumn] = {}
    """Each of these columns by name; empty in the plans of older releases."""
    view: View | None = None
    """Which rows of another dataset it has; None if it has files of its own."""

    @property
    def files_id(self) -> str:
        """The dataset whose folder has the files of the columns."""
        return self.id if self.view is None else self.view.source


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
    donor: PinnedModel | None = None
    """The model from which the variables in `copied` are copied."""
    copied: list[str] = []
    """The keys of variables."""
    optimizer: PinnedModel | None = None
    """The state of the optimizer with which training goes on, if it does."""
    keeps_rate: bool = True
    """Whether the learning rate goes on as well."""
    order_shift: int = 0
    """Added to the number of an epoch, its row order is that of the sum."""
    preparation: Preparation = Preparation()
    """How the rows of the request's `model` are prepared."""
    trained: Recipe | None = None
    """The recipe of the last training of the request's `model`, for a `build` job."""
    batch_size: int | None = None
    """Rows of each batch of an `evaluate` or `predict` job; None for other jobs."""
    fills: dict[str, JsonValue] = {}
    """What takes the place of missing values in such a job, by column: a value, or nested lists of
    them for an item of a row."""
    keep: list[str] = []
    """Columns that a `predict` job copies."""

    @property
    def graph_place(self) -> str:
        """Pointer to the field of the request that holds the graph: `/graph` or `/model`."""
        return "/graph" if self.initial is None else "/model"


class ImportPlan(Contract):
    """Everything that a worker needs for an `import` job except the file."""

    upload: UploadId
    """The upload that the job reads. The job itself stores a file from elsewhere in it."""
    source: str | None = None
    """The address of the file, if it comes from elsewhere."""
    media_type: str | None
    """The format of the file; None if the file's address has to tell it."""
    options: ReadOptions = DEFAULT_OPTIONS
    most_bytes: int
    """Limit on the bytes of the file, and on those of the arrays."""

    @field_serializer("options")
    def _keep_given_options(self, options: ReadOptions) -> dict[str, Any]:
        """Writes the given options alone, since a format refuses options that do not apply."""
        return options.model_dump(mode="json", exclude_unset=True)

    @property
    def place(self) -> str:
        """Pointer to the field of the request that names the file."""
        return "/upload" if self.source is None else "/source"


AnyPlan = Plan | ImportPlan
