"""Looks up everything that a job's request names, and pins it as it is now."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection

from application.settings import Settings
from application.submission.expand import Drawn, drawn
from domain.dataset import Dataset
from domain.errors import Fault, NotFound
from domain.graph.language import Blueprint
from domain.ids import ModelId
from domain.job.job import JobRequest
from domain.job.plan import PinnedModel, Plan
from domain.pointer import pointer
from models_store.records import datasets, graphs, models

Found = TypeVar("Found")


@dataclass(frozen=True)
class Materials:
    """What a job is made of."""

    blueprint: Blueprint
    place: str
    """Where the request says it: `/graph` or `/model`."""
    dataset: Dataset | None
    validation: Dataset | None
    sources: dict[ModelId, PinnedModel]
    initial: PinnedModel | None


@dataclass
class Shelf:
    """Where things are looked up; what is not there becomes a fault."""

    connection: Connection
    owner: str
    faults: list[Fault] = field(default_factory=list)

    def find(
        self, get: Callable[[Connection, str, str], Found], identifier: str | None, place: str
    ) -> Found | None:
        """One thing by its id; nothing when the request names none."""
        if identifier is None:
            return None
        try:
            return get(self.connection, self.owner, identifier)
        except NotFound as error:
            self.faults.append(Fault(pointer=pointer(place), detail=error.detail))
            return None


def gathered(
    connection: Connection, owner: str, settings: Settings, request: JobRequest
) -> tuple[Materials | None, list[Fault]]:
    """What the request names; nothing at all when its graph is at fault."""
    shelf = Shelf(connection, owner)
    dataset = shelf.find(datasets.get, request.dataset, "dataset")
    validation = shelf.find(datasets.get, request.validation_dataset, "validation_dataset")
    place, found = _blueprint(shelf, settings, request)
    if found is None or found.faults:
        return None, [*(found.faults if found else ()), *shelf.faults]
    names = () if request.model else found.blueprint.sources
    pins = {name: shelf.find(models.pinned, name, place) for name in names}
    materials = Materials(
        blueprint=found.blueprint,
        place=f"/{place}",
        dataset=dataset,
        validation=validation,
        sources={name: pin for name, pin in pins.items() if pin is not None},
        initial=shelf.find(models.pinned, request.model, "model"),
    )
    return materials, shelf.faults


def _blueprint(shelf: Shelf, settings: Settings, request: JobRequest) -> tuple[str, Drawn | None]:
    if request.model is not None:
        found = shelf.find(models.definition, request.model, "model")
        return "model", None if found is None else Drawn(found[0], [])
    if isinstance(request.graph, str):
        stored = shelf.find(graphs.get, request.graph, "graph")
        return "graph", None if stored is None else Drawn(stored.blueprint, [])
    assert request.graph is not None  # the request has exactly one of the two
    found_ = drawn(shelf.connection, shelf.owner, settings, request.graph, ("graph",))
    return "graph", found_


def missing(connection: Connection, owner: str, request: JobRequest, plan: Plan) -> list[Fault]:
    """What has been deleted since it was gathered."""
    shelf = Shelf(connection, owner)
    shelf.find(datasets.get, request.dataset, "dataset")
    shelf.find(datasets.get, request.validation_dataset, "validation_dataset")
    shelf.find(graphs.get, plan.graph_id, "graph")
    for name in plan.sources:
        shelf.find(models.pinned, name, "graph")
    shelf.find(models.pinned, request.model, "model")
    return shelf.faults
