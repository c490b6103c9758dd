"""Loads the graphs, models and datasets that a job request names, and pins their versions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from application.settings import Settings
from application.submission.expand import ExpandedGraph, expand_graph
from domain.dataset import Dataset
from domain.errors import Fault, NotFound
from domain.graph.language import Blueprint
from domain.ids import ModelId
from domain.job.fit import continuation
from domain.job.fit.continuation import TrainingState
from domain.job.job import JobRequest
from domain.job.plan import PinnedModel, Plan
from domain.job.recipe import Recipe
from domain.json.pointer import pointer
from domain.model import Preparation
from models_store.records import datasets, graphs, models

Record = TypeVar("Record")


@dataclass(frozen=True)
class References:
    """The stored records that a job uses."""

    blueprint: Blueprint
    place: str
    """Pointer to the request field that names the graph: `/graph` or `/model`."""
    dataset: Dataset | None
    validation: Dataset | None
    sources: dict[ModelId, PinnedModel]
    """The models that the graph uses as layers."""
    initial: PinnedModel | None
    """The model whose weights a training starts from."""
    preparation: Preparation = field(default_factory=Preparation)
    """How the rows of that model are prepared."""
    recipe: Recipe | None = None
    """The recipe of the last training of that model, if it is known."""
    donor: PinnedModel | None = None
    """The model whose weights are copied to layers of equal name and shape."""
    training: TrainingState | None = None
    """Where the training of that model stopped, if the job goes on with its optimizer."""
    optimizer: PinnedModel | None = None
    """The state of its optimizer."""


@dataclass
class RecordLoader:
    """Loads records of one owner; collects a fault for each that does not exist."""

    connection: Connection
    owner: str
    new_datasets: Mapping[str, Dataset] = field(default_factory=dict)
    """Datasets that the request brings, by id; they have no rows in the database yet."""
    faults: list[Fault] = field(default_factory=list)

    def load(
        self, get: Callable[[Connection, str, str], Record], identifier: str | None, field_name: str
    ) -> Record | None:
        """Returns one record; None if the request names none or it does not exist.

        Args:
            get: Reads the record by owner and id.
            identifier: The id in the request, if the request has one.
            field_name: The field of the request that names the record.
        """
        if identifier is None:
            return None
        try:
            return get(self.connection, self.owner, identifier)
        except NotFound as error:
            self.faults.append(Fault(pointer=pointer(field_name), detail=error.detail))
            return None

    def load_dataset(self, request: JobRequest, field_name: str) -> Dataset | None:
        """Returns the dataset of a field of the request; None as `load` does."""
        identifier = request.dataset_ids.get(field_name)
        if identifier is not None and identifier in self.new_datasets:
            return self.new_datasets[identifier]
        return self.load(datasets.get, identifier, field_name)


def load_references(
    connection: Connection,
    owner: str,
    settings: Settings,
    request: JobRequest,
    new_datasets: Mapping[str, Dataset],
) -> tuple[References | None, list[Fault]]:
    """Returns the records that a request names, and the faults of its references and graph.

    The first value is None if the graph is missing or has faults.
    """
    loader = RecordLoader(connection, owner, new_datasets)
    dataset = loader.load_dataset(request, "dataset")
    validation = loader.load_dataset(request, "validation_dataset")
    place, graph = _load_graph(loader, settings, request)
    if graph is None or graph.faults:
        return None, [*(graph.faults if graph else ()), *loader.faults]
    names = () if request.model else graph.blueprint.sources
    pins = {name: loader.load(models.pin, name, place) for name in names}
    references = References(
        blueprint=graph.blueprint,
        place=f"/{place}",
        dataset=dataset,
        validation=validation,
        sources={name: pin for name, pin in pins.items() if pin is not None},
        initial=loader.load(models.pin, request.model, "model"),
        donor=loader.load(models.pin, request.donor_id, "initial_weights"),
        preparation=loader.load(models.get_preparation, request.model, "model") or Preparation(),
        recipe=loader.load(models.get_recipe, request.model, "model"),
    )
    if request.optimizer_state and references.initial is not None:
        references = _load_training(loader, request, references)
    return references, loader.faults


def _load_training(loader: RecordLoader, request: JobRequest, references: References) -> References:
    """Returns the references with the state of the optimizer of the job's model."""
    training = loader.load(models.get_training, request.model, "model")
    if training is None:
        detail = "The model has no state of an optimizer: it was only built, made of a checkpoint, "
        detail += "or made by an older release. Leave `optimizer_state` out."
        loader.faults.append(Fault(pointer="/optimizer_state", detail=detail))
        return references
    get = partial(models.pin, name=continuation.FILE)
    optimizer = loader.load(get, request.model, "model")
    return replace(references, training=training, optimizer=optimizer)


def _load_graph(
    loader: RecordLoader, settings: Settings, request: JobRequest
) -> tuple[str, ExpandedGraph | None]:
    """Returns the request field that names the graph, and the expanded graph if it exists."""
    if request.model is not None:
        model = loader.load(models.get_definition, request.model, "model")
        return "model", None if model is None else ExpandedGraph(model[0], [])
    if isinstance(request.graph, str):
        stored = loader.load(graphs.get, request.graph, "graph")
        return "graph", None if stored is None else ExpandedGraph(stored.blueprint, [])
    assert request.graph is not None  # the request has either `model` or `graph`
    connection, owner = loader.connection, loader.owner
    return "graph", expand_graph(connection, owner, settings, request.graph, ("graph",))


def find_deleted(
    connection: Connection, owner: str, request: JobRequest, plan: Plan
) -> list[Fault]:
    """Returns one fault for each record of the plan that no longer exists.

    The others cannot be deleted until the transaction ends.
    """
    loader = RecordLoader(connection, owner)
    for name in ("dataset", "validation_dataset"):
        loader.load(datasets.keep, request.dataset_ids.get(name), name)
    loader.load(graphs.keep, plan.graph_id, "graph")
    for model in plan.sources:
        loader.load(models.keep, model, "graph")
    loader.load(models.keep, request.model, "model")
    loader.load(models.keep, request.donor_id, "initial_weights")
    return loader.faults
