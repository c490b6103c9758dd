"""Loads the graphs, models and datasets that a job request names, and pins their versions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection

from application.settings import Settings
from application.submission.expand import ExpandedGraph, expand_graph
from domain.dataset import Dataset
from domain.errors import Fault, NotFound
from domain.graph.language import Blueprint
from domain.ids import ModelId
from domain.job.job import JobRequest
from domain.job.plan import PinnedModel, Plan
from domain.pointer import pointer
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


@dataclass
class RecordLoader:
    """Loads records of one owner; collects a fault for each that does not exist."""

    connection: Connection
    owner: str
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


def load_references(
    connection: Connection, owner: str, settings: Settings, request: JobRequest
) -> tuple[References | None, list[Fault]]:
    """Returns the records that a request names, and the faults of its references and graph.

    The first value is None if the graph is missing or has faults.
    """
    loader = RecordLoader(connection, owner)
    dataset = loader.load(datasets.get, request.dataset, "dataset")
    validation = loader.load(datasets.get, request.validation_dataset, "validation_dataset")
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
    )
    return references, loader.faults


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
    """Returns one fault for each record of the plan that no longer exists."""
    loader = RecordLoader(connection, owner)
    loader.load(datasets.get, request.dataset, "dataset")
    loader.load(datasets.get, request.validation_dataset, "validation_dataset")
    loader.load(graphs.get, plan.graph_id, "graph")
    for name in plan.sources:
        loader.load(models.pin, name, "graph")
    loader.load(models.pin, request.model, "model")
    return loader.faults
